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
      "1:1  stack: missing: text expected",
      "1:1  region: missing: text expected",
      "1:1  app: missing: map expected",
    ],
  },
  "a key that is missing, at what should hold it": {
    text: `${start}app:\n  port: 80\n`,
    lines: ["3:1  app.source: missing: text expected"],
  },
  "a value of another type": {
    text: `${start}app:\n  source: app\n  port: eighty\n`,
    lines: ["5:3  app.port: number expected"],
  },
  "a value in the place of a map": { text: `${start}app: 7\n`, lines: ["3:1  app: map expected"] },
  "a list in the place of names and values, as Compose takes it": {
    text: `${start}app:\n  source: app\n  environment:\n    - A=b\n`,
    lines: ['5:3  app.environment: map such as "NAME: value" expected'],
  },
  "a map in the place of a list": {
    text: `${whole}ingress: { port: 80 }\n`,
    lines: ["4:1  ingress: list expected"],
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
      "4:1  7: unknown key; known here: stack, region, domain, https, app, edge, ingress, instance, network, state, tags",
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
      "  source: dockerfiles/go-web",
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
