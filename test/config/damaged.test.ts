import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { loadConfig } from "../../lib/config/load.ts";
import { BerthError } from "../../lib/errors.ts";
import { damagedText, sampling, seed } from "../state/damage.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-damaged-config-"));
after(() => rm(directory, { recursive: true, force: true }));
await mkdir(join(directory, "app"));
const file = join(directory, "berth.yaml");

const whole = `# A configuration with every key.
stack: hello
region: eu-central-1
app:
  source: app
  port: 8080
  replicas: 2
  memoryMib: 128
  environment: { GREETING: "hi: there", LEVEL: 3, ON: true }
ingress:
  - port: 80
    from: 0.0.0.0/0
  - { port: 443, protocol: tcp, from: [10.0.0.0/8, 192.168.0.0/16] }
instance: &host
  type: t3.micro
  os: debian-13
  diskGib: 8
network: { cidr: 10.20.0.0/16 }
state: { backend: file, path: kept }
tags: { team: web, "cost centre": "42" }
`;

const words = (text: string) => text.split("|");
const oddValues = [
  ...words("~|null|true|-1|0|0.5|.nan|-.inf|1e400|99999999999999999999|0x10|''|[]|{}|[[[]]]|{a: {b: c}}"),
  ...words("*host|*nobody|&a [*a]|!!binary aGk=|!!set {a}|!unknown x|<<: *host|? x|- - -|>"),
  ...words("10.0.0.1/8|10.0.0.0/33|10.0.0.0/8|999.0.0.0/8|::/0|10.0.0.0|10.0.0.0/-1|0.0.0.0/0/0"),
  ...words("é|日本|\u202Eabc|\uFEFF|a\tb|2026-11-21|12:30:45|yes|on|<script>"),
  ...words(String.raw`"\u0000"|"\ud800"|"a\n    at b (c:1:2)"`),
  "x".repeat(10_000),
];
const oddKeys = words(String.raw`__proto__|constructor|toString|? [a, b]|1|null|[]|<<|sorce|"a\nb"`);

const line = fc.constantFrom(...whole.split("\n"));
const key = fc.constantFrom(...(whole.match(/\w+(?=:)/g) ?? []));
const json = fc.jsonValue().map((value) => JSON.stringify(value));
const odd = fc.oneof(fc.constantFrom(...oddValues), fc.string(), fc.string({ unit: "binary" }), json);
const oddKey = fc.oneof(fc.constantFrom(...oddKeys), odd);

/** Each level holds the one below ten times: 10^depth values, when all are followed. */
const bomb = fc.integer({ min: 1, max: 12 }).map((depth) => {
  const tenTimes = (text: string) => Array.from({ length: 10 }, () => text).join(", ");
  const level = (n: number) => `l${n}: &l${n} [${tenTimes(n === 0 ? "x" : `*l${n - 1}`)}]`;
  return Array.from({ length: depth }, (_none, n) => level(n));
});

const replace = (from: string | RegExp, to: string) => whole.replace(from, () => to);
const otherValue = fc
  .tuple(key, odd)
  .map(([name, to]) => replace(new RegExp(`${name}: .*`), `${name}: ${to}`));
const otherKey = fc.tuple(key, oddKey).map(([name, to]) => replace(`${name}:`, `${to}:`));
const lineAdded = fc
  .tuple(line, oddKey, odd)
  .map(([above, name, value]) => replace(above, `${above}\n${name}: ${value}`));
const damaged: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: damagedText(whole) },
  { weight: 4, arbitrary: otherValue },
  { weight: 2, arbitrary: otherKey },
  { weight: 2, arbitrary: lineAdded },
  fc.tuple(line, line).map(([one, other]) => replace(one, `${one}\n${other}`)),
  line.map((one) => replace(one, one.replaceAll("  ", "\t"))),
  line.map((one) => replace(one, `---\n${one}`)),
  bomb.map((levels) => replace(/^/, `${levels.join("\n")}\n`)),
  bomb.map((levels) => replace(/tags:.*/, ["tags:", ...levels].join("\n  "))),
  odd,
);

test("the whole configuration, before it is damaged, is good", async () => {
  await writeFile(file, whole);

  assert.equal((await loadConfig(file)).ingress.length, 2);
});

test("1,000 damaged configurations are read, or refused line by line", async (t) => {
  t.diagnostic(`BERTH_TEST_SEED=${seed}`);
  let refused = 0;

  await fc.assert(
    fc.asyncProperty(damaged, async (text) => {
      await writeFile(file, text);
      const error: unknown = await loadConfig(file).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) return;
      refused += 1;
      assertRefusal(error);
    }),
    sampling,
  );

  assert.ok(refused > 600, `only ${refused} were refused`);
});

/** Exit 3, and each line of detail is one line that begins with its place. */
function assertRefusal(error: unknown): void {
  assert.ok(error instanceof BerthError, error instanceof Error ? error.stack : "no error at all");
  assert.equal(error.code, "BadConfiguration");
  assert.equal(error.exitCode, 3);
  assert.ok(error.detail.length > 0);
  for (const row of error.detail) {
    assert.ok(row.startsWith(`${file}:`), row);
    assert.match(row.slice(file.length), /^:[1-9]\d*:[1-9]\d* {2}[^\p{Cc}]{1,600}$/u);
  }
}
