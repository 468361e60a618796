import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { loadConfig } from "../../lib/config/load.ts";
import { BerthError } from "../../lib/errors.ts";

const root = await mkdtemp(join(tmpdir(), "berth-config-problems-"));
after(() => rm(root, { recursive: true, force: true }));
await mkdir(join(root, "app"));
const file = join(root, "berth.yaml");

async function refusalOf(text: string): Promise<BerthError> {
  await writeFile(file, text);
  const error: unknown = await loadConfig(file).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof BerthError, "it was taken");
  return error;
}

/** Each line without the file: `4:3  app.port: number expected`. */
async function problemsOf(text: string): Promise<string[]> {
  const { detail } = await refusalOf(text);
  return detail.map((line) => line.slice(line.indexOf("berth.yaml:") + "berth.yaml:".length));
}

const start = "stack: hello\nregion: eu-central-1\n";
const whole = `${start}app: { source: app }\n`;
const list = (count: number) => Array.from({ length: count }, () => "x").join(", ");
const map = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: x`).join(", ");

interface Told {
  readonly text: string;
  readonly lines: readonly string[];
}

const table: Readonly<Record<string, Told>> = {
  "an empty file": {
    text: "",
    lines: [
      "1:1  stack: missing; write for example stack: hello",
      "1:1  region: missing; write for example region: eu-central-1",
      "1:1  app: missing; write for example app: {source: ., port: 8080}",
    ],
  },
  "a key that is missing, at what should hold it": {
    text: `${start}app:\n  port: 80\n`,
    lines: ["3:1  app.source: missing; write for example source: ."],
  },
  "a value of another type": {
    text: `${start}app:\n  source: app\n  port: eighty\n`,
    lines: ["5:3  app.port: number expected"],
  },
  "a value in the place of a map": { text: `${start}app: 7\n`, lines: ["3:1  app: map expected"] },
  "a list in the place of names and values, as Compose takes it": {
    text: `${start}app:\n  source: app\n  environment:\n    - A=b\n`,
    lines: ['5:3  app.environment: map such as "NAME: value" expected; write {A: …}'],
  },
  "a map in the place of a list": {
    text: `${whole}ingress: { port: 80 }\n`,
    lines: ["4:1  ingress: list expected; write a hyphen before its first key: - port: …"],
  },
  "numbers and lists beyond their bounds": {
    text: `${start}app:\n  source: app\n  replicas: 11\n  memoryMib: 15\ningress: [{ port: 80, from: [] }]\n`,
    lines: [
      "5:3  app.replicas: use at most 10",
      "6:3  app.memoryMib: use at least 16",
      "7:23  ingress.0.from: it is empty",
    ],
  },
  "a word that isn't one of a few": {
    text: `${whole}instance:\n  os: windows\n`,
    lines: ["5:3  instance.os: expected one of: debian-13, amazon-linux-2023"],
  },
  "headers that nginx can't tell apart from those of who stands in front": {
    text: `${whole}edge: { underscores: pass, trustedProxies: [10.0.0.0/8] }\n`,
    lines: [
      "4:9  edge.underscores: edge.trustedProxies needs drop: nginx can't tell a client's X_Forwarded_Proto from the proxy's X-Forwarded-Proto",
    ],
  },
  "a name that an environment can't have": {
    text: `${start}app:\n  source: app\n  environment:\n    1A: x\n`,
    lines: [
      "6:5  app.environment.1A: environment names are letters (A to Z), digits and underscores, and start with no digit",
    ],
  },
  "a key of the file that is nearly right": {
    text: `${whole}regiom: x\n`,
    lines: ['4:1  regiom: unknown key; did you mean "region"?'],
  },
  "a key that three changes make right, and one that takes four": {
    text: `${whole}instance:\n  d1skG: 8\n  d1skGi: 8\n  d15: 8\n  DISKGIB: 9\n  dXXXGib: 9\n  XXXXGib: 9\n`,
    lines: [
      '5:3  instance.d1skG: unknown key; did you mean "diskGib"?',
      '6:3  instance.d1skGi: unknown key; did you mean "diskGib"?',
      "7:3  instance.d15: unknown key; known here: type, os, diskGib, dataGib",
      '8:3  instance.DISKGIB: unknown key; did you mean "diskGib"?',
      '9:3  instance.dXXXGib: unknown key; did you mean "diskGib"?',
      "10:3  instance.XXXXGib: unknown key; known here: type, os, diskGib, dataGib",
    ],
  },
  "a key that has nothing in common with any": {
    text: `${whole}7: 1\n`,
    lines: [
      "4:1  7: unknown key; known here: stack, region, domain, https, app, edge, ingress, instance, network, state, logs, metrics, alarms, dashboard, shell, tags",
    ],
  },
  "a key in an item of a list": {
    text: `${whole}ingress:\n  - port: 80\n  - port: 81\n    zzzzzzzzz: 1\n`,
    lines: ["7:5  ingress.1.zzzzzzzzz: unknown key; known here: port, protocol, from"],
  },
  "a key where there are two kinds": {
    text: `${whole}state:\n  backend: file\n  pth: a\n  zzzzzzzzz: a\n`,
    lines: [
      '6:3  state.pth: unknown key; did you mean "path"?',
      "7:3  state.zzzzzzzzz: unknown key; known here: backend, path",
    ],
  },
  "a key in what has a default": {
    text: `${whole}network:\n  cdir: 10.0.0.0/16\ninstance:\n  zzzzzzz: 1\n`,
    lines: [
      '5:3  network.cdir: unknown key; did you mean "cidr"?',
      "7:3  instance.zzzzzzz: unknown key; known here: type, os, diskGib, dataGib",
    ],
  },
  "an item of a list, at the item": {
    text: `${whole}ingress:\n  - port: 0\n  - port: 80\n    from: [10.0.0.0/8, 10.0.0.1/8]\n`,
    lines: [
      "5:5  ingress.0.port: ports go from 1 to 65535",
      "7:24  ingress.1.from.1: use an IPv4 block such as 10.20.0.0/16, with no bits set after the prefix",
    ],
  },
  "a list that goes on": {
    text: `${whole}ingress: [${list(1001)}]\n`,
    lines: ["4:10  more than 1000 entries follow; nothing in this file takes so many"],
  },
  "a map that goes on": {
    text: `${whole}tags: {${map(1001)}}\n`,
    lines: ["4:7  more than 1000 entries follow; nothing in this file takes so many"],
  },
  "a bracket that isn't closed, in the words of the YAML library": {
    text: "stack: [\n",
    lines: ["2:1  Flow sequence in block collection must be sufficiently indented and end with a ]"],
  },
  "an alias that leads nowhere, at that alias": {
    text: `${whole}tags: { A: &here x, B: *here, C: *gone }\n`,
    lines: ["4:34  no anchor &gone stands before this alias"],
  },
  "nothing of an app's folder that was not named": {
    text: `${start}app: { source: "" }\n`,
    lines: ["3:8  app.source: it is empty"],
  },
};

/** Files that aren't YAML, or are another YAML than was meant. The problem says what was probably meant. */
const slips: Readonly<Record<string, Told>> = {
  "one space too many": {
    text: `${start}app:\n  source: app\n   port: 80\n`,
    lines: ['5:4  3 spaces before "port", 2 before "source" in line 4: probably 2 were meant'],
  },
  "one space too few": {
    text: `${start}app:\n  source: app\n port: 80\n`,
    lines: ['5:2  1 space before "port", 2 before "source" in line 4: probably 2 were meant'],
  },
  "more spaces than the lines after it": {
    text: `${start}app:\n   source: app\n  port: 80\n`,
    lines: ['5:3  2 spaces before "port", 3 before "source" in line 4: probably 3 were meant'],
  },
  "a space too many in a map within a map": {
    text: `${start}app:\n  source: app\n  environment:\n    A: b\n     C: d\n  port: 80\n`,
    lines: ['7:6  5 spaces before "C", 4 before "A" in line 6: probably 4 were meant'],
  },
  "a space before a key of the file": {
    text: "stack: hello\n region: eu-central-1\napp: { source: app }\n",
    lines: ['2:2  1 space before "region", none before "stack" in line 1: probably none were meant'],
  },
  "a space before the first key": {
    text: " stack: hello\nregion: eu-central-1\napp: { source: app }\n",
    lines: [
      '2:1  no spaces before "region", 1 before "stack" in line 1, which belongs to the same map: write none',
    ],
  },
  "a space too few in an item of a list": {
    text: `${whole}ingress:\n  - port: 80\n   protocol: tcp\n`,
    lines: ['6:4  3 spaces before "protocol", 4 before "port" in line 5: probably 4 were meant'],
  },
  "a comment and an empty line between": {
    text: `${start}app:\n  source: app\n\n  # the port\n   port: 80 # 8080\n`,
    lines: ['7:4  3 spaces before "port", 2 before "source" in line 4: probably 2 were meant'],
  },
  "no spaces at all before what belongs to a key": {
    text: `${start}app:\nsource: app\nport: 80\n`,
    lines: [
      "3:1  app: no value; write one, or remove the line",
      "4:1  source: unknown key here; with two more spaces before it, it belongs to app",
      "5:1  port: unknown key here; with two more spaces before it, it belongs to app",
    ],
  },
  "too few spaces before variables": {
    text: `${start}app:\n  source: app\n  environment:\n  A: b\n`,
    lines: [
      "5:3  app.environment: no value; write one, or remove the line",
      "6:3  app.A: unknown key here; with two more spaces before it, it belongs to environment",
    ],
  },
  "a tab": {
    text: `${start}app:\n\tsource: app\n`,
    lines: ["4:2  a tab stands before this line; YAML takes spaces only, two for each level"],
  },
  "no space after a colon": {
    text: `${start}app:\n  port:80\n  source: app\n`,
    lines: ["4:3  write a space after the colon: port: 80"],
  },
  "no space after a colon in the only line of a map": {
    text: `${start}app:\n  source:app\n`,
    lines: ["3:1  app: map expected; write a space after the colon: source: app"],
  },
  "no space after a hyphen": {
    text: `${whole}ingress:\n  -port: 80\n`,
    lines: ["4:1  ingress: list expected; write a space after the hyphen: - port: …"],
  },
  "no colon": { text: `stack hello\nregion: x\n`, lines: ["1:1  a colon is missing: stack: hello"] },
  "a value that has a colon, without showing it": {
    text: `${start}app:\n  source: app\n  environment:\n    A: secret: b\n`,
    lines: ['6:5  YAML reads the value of "A" as something of its own; put it in quotes: A: "…"'],
  },
  "a value that begins with a character of YAML's": {
    text: `stack: @hello\n`,
    lines: ['1:1  YAML reads the value of "stack" as something of its own; put it in quotes: stack: "…"'],
  },
};

describe("what was probably meant is told of", () => {
  for (const [what, { text, lines }] of Object.entries(slips))
    it(what, async () => assert.deepEqual(await problemsOf(text), lines));

  it("no file that has another mistake than its spaces: the YAML library's words stay", async () => {
    const [line = ""] = await problemsOf('stack: "hello\nregion: x\n');
    assert.match(line, /Missing closing/);
  });
});

/** What users of other tools write, and what they are told about it. */
const elsewhere: Readonly<Record<string, string>> = {
  "env: { A: b }": "unknown key; here it is app.environment",
  "environment: { A: b }": "unknown key; here it is app.environment",
  "port: 80": "unknown key; here it is app.port",
  "container_port: 80": "unknown key; here it is app.port",
  "build: .": "unknown key; here it is app.build",
  "volumes: []": "unknown key; here it is app.volumes",
  "healthcheck: {}": "unknown key; here it is app.health",
  "memory: 512m": "unknown key; here it is app.memoryMib",
  "memory_mib: 512": "unknown key; here it is app.memoryMib",
  "path: /": "unknown key; here it is app.health.path or state.path",
  "name: shop": "unknown key; here it is stack",
  "proxy: {}": "unknown key; here it is edge",
  "labels: {}": "unknown key; here it is tags",
  "image: nginx":
    "unknown key; Berth builds the image from the folder app.source; a Dockerfile with FROM and the image's name takes one that is built",
  "secrets: []": "unknown key; here it is app.build.secrets or app.secrets",
  "hostname: shop.example.org": "unknown key; here it is domain",
  "domains: []": 'unknown key; did you mean "domain"?',
  "logging: {}": "unknown key; here it is logs",
  "services: {}": "unknown key; one file is one app; what stood under the service's name belongs under app",
  "tls: true": "unknown key; here it is https",
};

describe("a key of other tools is told with its name here:", () => {
  for (const [written, message] of Object.entries(elsewhere)) {
    it(written, async () => {
      const key = written.split(":")[0] ?? "";
      assert.deepEqual(await problemsOf(`${whole}${written}\n`), [`4:1  ${key}: ${message}`]);
    });
  }

  it("under app too", async () => {
    const text = `${start}app:\n  source: app\n  env: { A: b }\n  entrypoint: x\n  ports: [80]\n`;
    assert.deepEqual(await problemsOf(text), [
      "5:3  app.env: unknown key; here it is app.environment",
      "6:3  app.entrypoint: unknown key; here it is app.command",
      '7:3  app.ports: unknown key; did you mean "port"?',
    ]);
  });
});

/** Values of another shape, and how they have to be written. */
const shapes: Readonly<Record<string, string>> = {
  "app: { source: app, health: /healthz }": "3:21  app.health: map expected; write health: {path: /healthz}",
  "app: { source: app, build: . }":
    "3:21  app.build: map expected; write app.source: .; app.build has args, target and secrets",
  "app: { source: app, environment: [PASSWORD=x, 'B: y', C, { D: e }] }":
    '3:21  app.environment: map such as "NAME: value" expected; write {PASSWORD: …, B: …, D: …}',
  "app: { source: app, volumes: ['data:/srv/data'] }":
    '3:21  app.volumes: map such as "NAME: value" expected; write {data: /srv/data}',
  "app: { source: app, build: { args: [A=b] } }":
    '3:30  app.build.args: map such as "NAME: value" expected; write {A: b}',
  "app: app": "3:1  app: map expected; write app: {source: app}",
};

describe("a value of another shape is told with the right one:", () => {
  for (const [written, line] of Object.entries(shapes))
    it(written, async () => assert.deepEqual((await problemsOf(`${start}${written}\n`))[0], line));

  for (const [written, line] of [
    ["instance: t3.micro", "instance: map expected; write instance: {type: t3.micro}"],
    ["network: 10.0.0.0/16", "network: map expected; write network: {cidr: 10.0.0.0/16}"],
    ["ingress: [443]", "ingress.0: map expected; write - port: 443"],
    [
      "https: on",
      "https: HTTPS is on without this key: remove the line, or write off, or a map with directory, email or hstsSeconds",
    ],
    ["state: s3", "state: map expected; write state: {backend: s3}"],
    ["tags: [{ Key: team, Value: shop }]", 'tags: map such as "NAME: value" expected; write {team: shop}'],
  ] as const) {
    it(written, async () =>
      assert.deepEqual(await problemsOf(`${whole}${written}\n`), [
        `4:${written.startsWith("ingress") ? 11 : 1}  ${line}`,
      ]),
    );
  }
});

describe("a problem is told with its line, column and key:", () => {
  for (const [what, { text, lines }] of Object.entries(table))
    it(what, async () => assert.deepEqual(await problemsOf(text), lines));

  it("one, or how many", async () => {
    assert.match((await refusalOf(`${start}app: 7\n`)).message, /^1 problem in /);
    assert.match((await refusalOf("")).message, /^3 problems in /);
  });

  it("none where a list or a map is as long as it may be", async () => {
    for (const text of [`ingress: [${list(1000)}]`, `tags: {${map(1000)}}`])
      assert.doesNotMatch((await problemsOf(`${whole}${text}\n`)).join("\n"), /entries follow/);
  });

  it("with a whole file as an example where there is none", async () => {
    await rm(file, { force: true });
    const error: unknown = await loadConfig(file).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, "NoConfiguration");
    assert.deepEqual(error.detail, [
      "stack: hello",
      "region: eu-central-1",
      "app:",
      "  source: .",
      "  port: 8080",
    ]);
  });
});

describe("a file", () => {
  const filled = (size: number) => `${whole}#`.padEnd(size, "x");

  it("of 256 KiB is read, and no byte more", async () => {
    await writeFile(file, filled(256 * 1024));
    assert.equal((await loadConfig(file)).stack, "hello");
    assert.match((await problemsOf(filled(256 * 1024 + 1)))[0] ?? "", /goes on past 256 KiB/);
  });
});
