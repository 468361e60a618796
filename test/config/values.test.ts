import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Config, loadConfig } from "../../lib/config/load.ts";
import { BerthError } from "../../lib/errors.ts";

const root = await mkdtemp(join(tmpdir(), "berth-config-values-"));
after(() => rm(root, { recursive: true, force: true }));
for (const folder of ["app", "24.10", "0x1F"]) await mkdir(join(root, folder));
await writeFile(join(root, "1.0"), "FROM scratch\n");
const file = join(root, "berth.yaml");

const head = "stack: hello\nregion: eu-central-1\n";
const app = "app: { source: app }\n";
const environment = (lines: string) => `${head}app:\n  source: app\n  environment:\n    ${lines}\n`;
const tags = (lines: string) => `${head}${app}tags:\n  ${lines}\n`;

async function load(text: string | Uint8Array): Promise<Config> {
  await writeFile(file, text);
  return loadConfig(file);
}

/** Each problem without the file: `4:3  app.port: number expected`. */
async function problemsOf(text: string | Uint8Array): Promise<readonly string[]> {
  const error: unknown = await load(text).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BerthError, error instanceof Error ? error.stack : "it was taken");
  assert.equal(error.code, "BadConfiguration");
  return error.detail.map((line) => line.slice(line.indexOf("berth.yaml:") + "berth.yaml:".length));
}

/** How a value is written, and what the app must receive. */
const written: readonly (readonly [yaml: string, text: string])[] = [
  ["24.10", "24.10"],
  ["0644", "0644"],
  ["0o17", "0o17"],
  ["+4930123456", "+4930123456"],
  ["0x1F", "0x1F"],
  ["12345678901234567890", "12345678901234567890"],
  ["1e3", "1e3"],
  ["1.0", "1.0"],
  ["-0", "-0"],
  ["1_000", "1_000"],
  [".inf", ".inf"],
  [".NaN", ".NaN"],
  ["TRUE", "TRUE"],
  ["False", "False"],
  ["yes", "yes"],
  ["No", "No"],
  ["on", "on"],
  ["2026-11-21", "2026-11-21"],
  ["12:30:45", "12:30:45"],
  ["!!str 0644", "0644"],
  ["!!str", ""],
  ["! 24.10", "24.10"],
  ['""', ""],
  ["''", ""],
  ['"24.10"', "24.10"],
  ["'null'", "null"],
  ["'~'", "~"],
  ["&version 24.10", "24.10"],
  ["1.10 # a comment", "1.10"],
  ["1.10\n      2.20", "1.10 2.20"],
  ["|\n      0644\n      yes", "0644\nyes\n"],
  ["|-\n      0644", "0644"],
  [">-\n      1.10\n      2.20", "1.10 2.20"],
  ["${HOME} $$ %s", "${HOME} $$ %s"],
  ["a=b", "a=b"],
  [String.raw`"a\nb\tc"`, "a\nb\tc"],
  [String.raw`"\x85\u2028\U0001F600"`, "\u0085\u2028\u{1F600}"],
];

describe("a value of the environment arrives as it is written:", () => {
  for (const [yaml, text] of written)
    it(JSON.stringify(yaml), async () => {
      const config = await load(environment(`VALUE: ${yaml}\n    NEXT: x`));
      assert.deepEqual(config.app.environment, { VALUE: text, NEXT: "x" });
    });

  it("in braces, and with the line ends of Windows", async () => {
    const flow = await load(`${head}app: { source: app, environment: { A: 24.10, B: TRUE, C: "" } }\n`);
    assert.deepEqual(flow.app.environment, { A: "24.10", B: "TRUE", C: "" });
    const windows = await load(environment("A: 24.10\n    B: 0644").replaceAll("\n", "\r\n"));
    assert.deepEqual(windows.app.environment, { A: "24.10", B: "0644" });
  });

  it("through an alias, even of a number that is one elsewhere", async () => {
    const config = await load(
      `${head}app:\n  source: app\n  port: &port 08080\n  environment: { PORT: *port, A: &a 1.10, B: *a }\n`,
    );
    assert.equal(config.app.port, 8080);
    assert.deepEqual(config.app.environment, { PORT: "08080", A: "1.10", B: "1.10" });
  });
});

describe("a name arrives as it is written:", () => {
  it("of a variable", async () => {
    const config = await load(environment("TRUE: a\n    true: b\n    NULL: c\n    No: d"));
    assert.deepEqual(config.app.environment, { TRUE: "a", true: "b", NULL: "c", No: "d" });
  });

  it("of a tag", async () => {
    const config = await load(tags("1.10: a\n  0x1F: b\n  TRUE: c\n  ~x: d").replace("~x", "null"));
    assert.deepEqual(config.tags, { "1.10": "a", "0x1F": "b", TRUE: "c", null: "d" });
  });

  it("and the same one twice is there twice, whatever its quotes", async () => {
    assert.deepEqual(await problemsOf(tags('1.10: a\n  "1.10": b')), ['6:3  the key "1.10" is there twice']);
  });
});

describe("other text arrives as it is written:", () => {
  it("a tag's value", async () => {
    const config = await load(tags("Version: 1.10\n  Mode: 0644\n  Flag: TRUE\n  Big: 12345678901234567890"));
    assert.deepEqual(config.tags, {
      Version: "1.10",
      Mode: "0644",
      Flag: "TRUE",
      Big: "12345678901234567890",
    });
  });

  it("a path", async () => {
    const config = await load(
      `${head}app: { source: 24.10, dockerfile: 1.0 }\nstate: { backend: file, path: 0x1F }\n`,
    );
    assert.equal(config.app.source, join(root, "24.10"));
    assert.equal(config.app.dockerfile, join(root, "1.0"));
    assert.deepEqual(config.state, { backend: "file", path: join(root, "0x1F") });
  });

  it("so that what is wrong with a number is what would be wrong with a text", async () => {
    const text = `stack: 123\nregion: 1\n${app}instance: { type: 3.10, os: 13 }\nnetwork: { cidr: 10.20 }\n`;
    assert.deepEqual(await problemsOf(`${text}ingress: [{ port: 80, protocol: 6, from: 10.0 }]\n`), [
      "1:1  stack: use lower-case letters, digits and single hyphens, starting with a letter",
      "2:1  region: not a region that AWS has; use for example eu-central-1 or us-east-1",
      "4:13  instance.type: use an instance type such as t3.micro",
      "4:25  instance.os: expected one of: debian-13, amazon-linux-2023",
      "5:12  network.cidr: use an IPv4 block such as 10.20.0.0/16, with no bits set after the prefix",
      "6:23  ingress.0.protocol: expected one of: tcp, udp",
      "6:36  ingress.0.from: use an IPv4 block such as 203.0.113.0/24 (no bits set after the prefix), or a list of them",
    ]);
  });
});

describe("a number", () => {
  it("may have quotes, as ports and sizes often do", async () => {
    const config = await load(
      `${head}app: { source: app, port: "3000", replicas: '3' }\nhttps: off\ningress: [{ port: "443" }]\ninstance: { diskGib: !!str 20 }\n`,
    );
    assert.deepEqual(
      [config.app.port, config.app.replicas, config.ingress[0]?.port, config.instance.diskGib],
      [3000, 3, 443, 20],
    );
  });

  it("has the same bounds in quotes", async () => {
    assert.deepEqual(await problemsOf(`${head}app: { source: app, port: "65536", replicas: "1.5" }\n`), [
      "3:21  app.port: ports go from 1 to 65535",
      "3:36  app.replicas: whole number expected",
    ]);
  });

  it("isn't made of any other text", async () => {
    for (const text of [
      "eighty",
      '""',
      '"80 "',
      '"0x50"',
      "80:80",
      "${PORT}",
      "yes",
      '"1e2"',
      "8_080",
      ".inf",
    ])
      assert.deepEqual(await problemsOf(`${head}app:\n  source: app\n  port: ${text}\n`), [
        "5:3  app.port: number expected",
      ]);
  });
});

const noValue = (name: string) => `no value; write ${name}: "" for an empty text, or remove the line`;
const noNull = (word: string, name: string) =>
  `${word} means no value in YAML; write ${name}: "${word}" for the word, ${name}: "" for an empty text, or remove the line`;
const nothing = "no value; write one, or remove the line";

describe("what has no value says what to write:", () => {
  for (const [what, text, lines] of [
    ["a variable", environment("FOO:\n    NEXT: x"), [`6:5  app.environment.FOO: ${noValue("FOO")}`]],
    ["the last variable", environment("FOO:"), [`6:5  app.environment.FOO: ${noValue("FOO")}`]],
    [
      "a variable in braces",
      environment("").replace(":\n    \n", ": { FOO }\n"),
      [`5:18  app.environment.FOO: ${noValue("FOO")}`],
    ],
    [
      "a variable after a question mark",
      environment("? FOO"),
      [`6:7  app.environment.FOO: ${noValue("FOO")}`],
    ],
    [
      "a variable with only an anchor",
      environment("FOO: &x\n    B: *x"),
      [`6:5  app.environment.FOO: ${noValue("FOO")}`, `7:5  app.environment.B: ${noValue("B")}`],
    ],
    ["a tilde", environment("FOO: ~"), [`6:5  app.environment.FOO: ${noNull("~", "FOO")}`]],
    ["null", environment("FOO: Null"), [`6:5  app.environment.FOO: ${noNull("Null", "FOO")}`]],
    ["a tag", tags("Team:"), [`5:3  tags.Team: ${nothing}`]],
    ["an empty tag", tags('Team: ""'), ["5:3  tags.Team: a tag needs a value"]],
    ["a number", `${head}app:\n  source: app\n  port:\n`, [`5:3  app.port: ${nothing}`]],
    [
      "a choice",
      `${head}${app}instance: { os: ~ }\n`,
      ["4:13  instance.os: ~ means no value in YAML; write one, or remove the line"],
    ],
    ["a list", `${head}${app}ingress:\n`, [`4:1  ingress: ${nothing}`]],
    ["a map", `${head}${app}instance:\n  # type: t3.small\n`, [`4:1  instance: ${nothing}`]],
    ["one of two kinds", `${head}${app}state:\n`, [`4:1  state: ${nothing}`]],
    [
      "an item",
      `${head}${app}ingress: [{ port: 80, from: [~] }]\n`,
      [
        "4:23  ingress.0.from: use an IPv4 block such as 203.0.113.0/24 (no bits set after the prefix), or a list of them",
      ],
    ],
  ] as const)
    it(what, async () => assert.deepEqual(await problemsOf(text), lines));
});

describe("what YAML would change is refused:", () => {
  for (const [what, text, lines] of [
    [
      "a tag of YAML's",
      environment("A: !!int 0x1F\n    B: !Ref other\n    C: !!binary aGk="),
      [
        "6:14  !!int says how to read a value; write the value in quotes without it, or as it is",
        "7:13  !Ref says how to read a value; write the value in quotes without it, or as it is",
        "8:17  !!binary says how to read a value; write the value in quotes without it, or as it is",
      ],
    ],
    [
      "a tag of YAML's on a map",
      `${head}app: !!set { source }\n`,
      ["3:12  !!set says how to read a value; write the value in quotes without it, or as it is"],
    ],
    [
      "a merge key",
      environment("<<: { A: b }"),
      ["6:5  << merges nothing here; write the entries themselves"],
    ],
    [
      "an older YAML",
      `%YAML 1.1\n---\n${head}${app}`,
      ["1:1  YAML 1.2 is read here; remove the line %YAML 1.1"],
    ],
    [
      "a second document",
      `${head}${app}---\n${head}${app}`,
      [
        "4:1  a second document begins here; a file declares one stack, so put the other one into a file of its own",
      ],
    ],
    [
      "half a character",
      environment(String.raw`A: "a\ud800b"`),
      ["6:8  half of a pair of characters (\\ud800 to \\udfff), which has no UTF-8"],
    ],
    [
      "half a character in a name",
      tags(String.raw`"a\udfff": b`),
      ["5:3  half of a pair of characters (\\ud800 to \\udfff), which has no UTF-8"],
    ],
    [
      "an alias that leads nowhere, at that alias",
      environment("A: &a x\n    B: *a\n    C: *gone"),
      ["8:8  no anchor &gone stands before this alias"],
    ],
    [
      "an alias before its anchor, below an unknown key",
      `${head}${app}more: [*a, &a x, *a, *b]\n`,
      ["4:8  no anchor &a stands before this alias", "4:22  no anchor &b stands before this alias"],
    ],
    [
      "an alias inside of what it names",
      `${head}app: &a { source: app, environment: *a }\n`,
      ["3:37  this alias stands inside of what it names"],
    ],
  ] as const)
    it(what, async () => assert.deepEqual(await problemsOf(text), lines));

  it("bytes that are no UTF-8", async () => {
    const text = Buffer.from(environment("A: é\n    B: straße"), "latin1");
    assert.deepEqual(await problemsOf(text), ["6:8  the file isn't UTF-8 from here on; save it as UTF-8"]);
    const wide = Buffer.from(`\uFEFF${head}`, "utf16le");
    assert.deepEqual(await problemsOf(wide), ["1:1  the file isn't UTF-8 from here on; save it as UTF-8"]);
  });

  it("but not what is UTF-8 with a mark in front", async () => {
    assert.equal((await load(`\uFEFF${environment("A: é\uFFFD")}`)).app.environment["A"], "é\uFFFD");
  });
});

describe("what no process can take is refused at its line:", () => {
  const largest = 128 * 1024 - 1;
  /** A variable that takes so many bytes with its name and the equals sign. */
  const sized = (bytes: number, filler = "x") =>
    `LONG: ${filler.repeat((bytes - "LONG=".length) / Buffer.byteLength(filler))}`;

  it("a value that is one byte too long, where the kernel also refuses it", async () => {
    const { app: read } = await load(environment(sized(largest)));
    assert.equal(spawnSync("/bin/true", { env: read.environment }).status, 0);
    const value = `${read.environment["LONG"]}x`;
    assert.match(String(spawnSync("/bin/true", { env: { LONG: value } }).error), /E2BIG/);

    assert.deepEqual(await problemsOf(environment(`A: b\n    ${sized(largest + 1)}`)), [
      `7:5  app.environment.LONG: takes ${largest + 1} bytes with its name, and a process takes at most ${largest} for one variable; put the value into a file of the image`,
    ]);
  });

  it("a value that is too long only in bytes", async () => {
    assert.equal((await load(environment(sized(largest - 1, "é")))).app.replicas, 2);
    const [line = ""] = await problemsOf(environment(sized(largest + 1, "é") + "xx"));
    assert.match(line, /^6:5 {2}app\.environment\.LONG: takes 131073 bytes/);
  });

  it("too many bytes in all variables together", async () => {
    const third = "é".repeat(30_000);
    const lines = (count: number) =>
      environment(
        `A: &a ${third}\n    ${Array.from({ length: count }, (_, n) => `B${n}: *a`).join("\n    ")}`,
      );
    assert.equal(Object.keys((await load(lines(3))).app.environment).length, 4);
    assert.deepEqual(await problemsOf(lines(4)), [
      "5:3  app.environment: takes 300014 bytes, and all variables together take at most 262144; put more into a file of the image",
    ]);
  });

  it("a NUL, in a value and in a name", async () => {
    assert.deepEqual(await problemsOf(environment(String.raw`A: "a\0b"`)), [
      "6:5  app.environment.A: the value holds a NUL, which no environment can",
    ]);
    const names = ['"A\\0": x', '"": x', '"A=B": x', ": x", "1A: x", "A-B: x", "A.B: x", "É: x"];
    for (const name of names)
      assert.match(
        (await problemsOf(environment(name)))[0] ?? "",
        /^6:\d {2}app\.environment\..*: environment names are letters \(A to Z\), digits and underscores, and start with no digit$/,
      );
  });
});
