import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadConfig } from "../../lib/config/load.ts";
import { sendsMetrics } from "../../lib/config/metrics.ts";
import { BerthError } from "../../lib/errors.ts";

const root = await mkdtemp(join(tmpdir(), "berth-config-"));
after(() => rm(root, { recursive: true, force: true }));
await mkdir(join(root, "app"));

async function write(text: string): Promise<string> {
  const file = join(root, `${Math.random().toString(36).slice(2)}.yaml`);
  await writeFile(file, text);
  return file;
}

async function problemsOf(text: string): Promise<readonly string[]> {
  const file = await write(text);
  const error: unknown = await loadConfig(file).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof BerthError, "the configuration was accepted");
  assert.equal(error.code, "BadConfiguration");
  assert.equal(error.exitCode, 3);
  return error.detail.map((line) => line.replace(file, "berth.yaml"));
}

test("five lines are enough, the rest has defaults", async () => {
  const file = await write("stack: hello\nregion: eu-central-1\napp:\n  source: app\n  port: 8080\n");

  const config = await loadConfig(file);

  assert.equal(config.app.source, join(root, "app"));
  assert.equal(config.instance.os, "debian-13");
  assert.deepEqual(
    config.ingress.map(({ port, from }) => `${port} from ${from.join()}`),
    ["80 from 0.0.0.0/0", "443 from 0.0.0.0/0"],
  );
  assert.deepEqual(config.state, { backend: "s3" });
  assert.ok(Object.isFrozen(config.app.environment));
});

test("every problem is reported at once, in the file's order, with line and column", async () => {
  const problems = await problemsOf(
    [
      "stack: Hello_",
      "region: eu-mars-1",
      "app:",
      "  sorce: app",
      "  source: nope",
      "  port: 99999",
      "ingress:",
      "  - prot: 80",
      "    from: 10.0.0.1/8",
      "instance: { os: windows }",
    ].join("\n"),
  );

  assert.deepEqual(
    problems.map((problem) => problem.split("  ").slice(0, 2).join(" ").replace(/: .*/, "")),
    [
      "berth.yaml:1:1 stack",
      "berth.yaml:2:1 region",
      "berth.yaml:4:3 app.sorce",
      "berth.yaml:5:3 app.source",
      "berth.yaml:6:3 app.port",
      "berth.yaml:8:5 ingress.0.port",
      "berth.yaml:8:5 ingress.0.prot",
      "berth.yaml:9:5 ingress.0.from",
      "berth.yaml:10:13 instance.os",
    ],
  );
  assert.match(problems[2] ?? "", /did you mean "source"\?/);
});

test("broken YAML is reported with its place", async () => {
  const problems = await problemsOf("stack: hello\nregion: [eu-central-1\napp: {}\n");

  assert.match(problems[0] ?? "", /^berth\.yaml:3:\d+ /);
});

test("an empty file lacks everything it needs", async () => {
  const problems = await problemsOf("");

  assert.equal(problems.length, 3);
});

test("a file that isn't there says how to write one", async () => {
  await assert.rejects(loadConfig(join(root, "absent.yaml")), { code: "NoConfiguration", exitCode: 3 });
});

test("tags can't take the place of ownership tags", async () => {
  const problems = await problemsOf(
    'stack: hello\nregion: eu-central-1\napp: { source: app }\ntags: { "berth:stack": other }\n',
  );

  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /^berth\.yaml:4:9 {2}tags\.berth:stack: .*reserved/);
});

test("to take a stack away its source needn't be there", async () => {
  const file = await write("stack: hello\nregion: eu-central-1\napp: { source: gone }\n");

  const config = await loadConfig(file, { usesSource: false, stack: "other" });

  assert.equal(config.stack, "other");
});

test("rules that keep HTTPS from working are refused, with the line and what to write", async () => {
  const about = (rules: string) =>
    problemsOf(`stack: hello\nregion: eu-central-1\napp: { source: app }\n${rules}\n`);
  const authority =
    "HTTPS needs port 80 open to 0.0.0.0/0: the certificate authority asks there, from addresses that it doesn't announce. Add { port: 80 }, or write https: off";
  for (const rules of ["[]", "[{ port: 443 }]", "[{ port: 80, from: 10.0.0.0/8 }, { port: 443 }]"])
    assert.deepEqual(await about(`ingress: ${rules}`), [`berth.yaml:4:1  ingress: ${authority}`], rules);
  assert.deepEqual(await about("ingress: [{ port: 80, protocol: udp }, { port: 443 }]"), [
    `berth.yaml:4:1  ingress: ${authority}`,
  ]);
  assert.deepEqual(await about("ingress: [{ port: 80 }]"), [
    "berth.yaml:4:1  ingress: HTTPS needs port 443, and nothing may reach it. Add { port: 443 }, or write https: off",
  ]);
  assert.deepEqual(await about("domain: app.example.org\nhttps: off"), [
    "berth.yaml:4:1  domain: a domain is what the certificate is for, and https is off: remove one of the two",
  ]);
});

test("rules that are enough for HTTPS, and any rules without it, are taken", async () => {
  for (const rules of [
    "ingress: [{ port: 80 }, { port: 443, from: 10.0.0.0/8 }]",
    "https: off\ningress: []",
    "https: off\ningress: [{ port: 80, from: 10.0.0.0/8 }]",
    "https: off",
  ])
    await loadConfig(await write(`stack: hello\nregion: eu-central-1\napp: { source: app }\n${rules}\n`));
});

for (const [lines, sends] of [
  ["", false],
  ["metrics: true", true],
  ["metrics: false", false],
  ["dashboard: true", true],
  ["alarms: { email: ops@example.com }", true],
  ["metrics: false\nalarms: { email: ops@example.com }", true],
] as const)
  test(`the hosts send ${sends ? "" : "no "}metrics with ${JSON.stringify(lines)}`, async () => {
    const file = await write(`stack: hello\nregion: eu-central-1\napp: { source: app }\n${lines}\n`);
    assert.equal(sendsMetrics(await loadConfig(file)), sends);
  });
