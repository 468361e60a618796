import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { pythonPath } from "../../lib/local/python.ts";
import { content, edgeFields, number, release } from "../../lib/release/schema.ts";
import { fromRoot } from "../../lib/paths.ts";
import { published } from "./releases.ts";

const readerSchema = z.object({
  bounds: z.record(z.string(), z.tuple([z.number(), z.number()])),
  edge: z.object({
    bounds: z.record(z.string(), z.tuple([z.number(), z.number()])),
    choices: z.record(z.string(), z.array(z.string())),
    defaults: z.record(z.string(), z.unknown()),
  }),
  content: z.array(z.string()),
  defaults: z.record(z.string(), z.unknown()),
  takes: z.array(z.boolean()),
  used: z.array(z.string()),
  serves: z.literal(true),
});

/** For the record only: nothing that runs depends on them. */
const unused = ["at", "by", "source", "commit", "isClean"];

/** Each has a test of its own: test_maintenance.py, test_senders.py and test_release_command.py in test/host/decisions. */
const apart = ["maintenance", "metrics", "rolledBack"];

/** Values at the edges of what each field may be, for the schema and for the host. */
const values: Readonly<Record<string, readonly unknown[]>> = {
  image: [
    "registry/app@sha256:1",
    "",
    "-v",
    "--privileged",
    " x",
    "x".repeat(2_048),
    "x".repeat(2_049),
    1,
    null,
  ],
  environment: [
    {},
    { A: "" },
    { A: 1 },
    { A: "\0" },
    { "A-B": "x" },
    { A: "x".repeat(131_069) },
    { A: "x".repeat(131_070) },
    { A: "é".repeat(65_534) },
    { A: "é".repeat(65_535) },
    { A: "x".repeat(100_000), B: "x".repeat(100_000), C: "x".repeat(62_138) },
    { A: "x".repeat(100_000), B: "x".repeat(100_000), C: "x".repeat(62_139) },
    ["A=x"],
    null,
    Object.fromEntries(Array.from({ length: 1_001 }, (_none, index) => [`N${index}`, ""])),
  ],
  user: ["0", "root", "1000", "1000:0", "app", "a".repeat(32), "2147483647", "", "a".repeat(33), "-1"].concat(
    ["+0", "app:app", "1000:", "a b", "-u", "é", "٣", "2147483648", "1:2147483648", "app\n"],
  ),
  volumes: [
    {},
    { uploads: "/app/uploads" },
    { "a-1": "/var/lib/.b_c" },
    ...["A", "1a", "a_b", "", "../x", "a/b", "a\n", "é", "a".repeat(32)].map((name) => ({ [name]: "/x" })),
    ...[
      "",
      "x",
      "/",
      "/x/",
      "//x",
      "/x/../y",
      "/./y",
      "/..",
      "/a b",
      "/a,source=/",
      "/a:b",
      "/a\n",
      "/é",
      7,
    ].map((path) => ({ a: path })),
    ...[
      "/usr/bin",
      "/usr/local",
      "/usr/local/lib",
      "/usr/share",
      "/lib/x",
      "/bin/sh",
      "/etc/hosts",
      "/etc/passwd",
      "/etc/ssl",
      "/etc/resolv.conf",
      "/var/lib",
      "/var/run",
      "/usr/src/app/uploads",
      "/usr/share/nginx/html",
      "/usr/local/app",
      "/etc/app",
      "/etc/hosts.d",
      "/var/lib/app",
      "/var/log",
      "/home/app",
      "/library",
      "/run/app",
    ].map((path) => ({ a: path })),
    ...["/tmp", "/etc", "/var", "/proc/x", "/sys", "/dev/shm", "/tmp/x", "/etc/x", `/${"x".repeat(255)}`].map(
      (path) => ({ a: path }),
    ),
    { a: `/${"x".repeat(256)}` },
    { a: "/x", b: "/x" },
    { a: "/x/y", b: "/x" },
    { a: "/x", b: "/xy" },
    Object.fromEntries(Array.from({ length: 10 }, (_none, index) => [`n${index}`, `/n/${index}`])),
    Object.fromEntries(Array.from({ length: 11 }, (_none, index) => [`n${index}`, `/n/${index}`])),
    ["/x"],
    null,
  ],
  dataVolume: [
    "vol-0123456789abcdef0",
    "<new data-volume>",
    "",
    "x".repeat(2_048),
    "x".repeat(2_049),
    1,
    null,
  ],
  secrets: [
    {},
    { DATABASE_URL: "ssm:/shop/database-url:3", A: "ssm:name:1", B: "ssm:a.b_c-d/e:999999999" },
    { A: `secretsmanager:shop/a+b=c.d@e-f_G:${"a".repeat(32)}` },
    ...[
      "ssm:/shop/a",
      "ssm:/shop/a:0",
      "ssm:/shop/a:1:2",
      "ssm://a:1",
      "ssm:/a/:1",
      "ssm:/a b:1",
      "ssm::1",
      "",
    ].map((source) => ({ A: source })),
    ...[
      "ssm:/é:1",
      "ssm:/a:1\n",
      "ssm:/a:٣",
      "ssm:/a:1000000000",
      "file:/etc/shadow:1",
      "hunter2",
      1,
      null,
    ].map((source) => ({ A: source })),
    ...[31, 32, 64, 65].map((length) => ({ A: `secretsmanager:a:${"a".repeat(length)}` })),
    ...[512, 513].map((length) => ({ A: `secretsmanager:${"a".repeat(length)}:${"b".repeat(32)}` })),
    ...[1_093, 1_094].map((length) => ({ A: `ssm:/${"a".repeat(length)}:1` })),
    { "A-B": "ssm:/a:1" },
    ["ssm:/a:1"],
    null,
    ...[100, 101].map((length) =>
      Object.fromEntries(Array.from({ length }, (_none, index) => [`N${index}`, "ssm:/a:1"])),
    ),
  ],
  logGroup: [
    "/berth/shop",
    "/berth/a-1/b",
    "/berth/",
    "/berth/A",
    "/aws/x",
    "",
    "/berth/a\n",
    1,
    null,
  ].concat([`/berth/${"a".repeat(100)}`, `/berth/${"a".repeat(101)}`]),
  writable: [true, false, "true", 0, 1, null],
  shell: [true, false, "true", 0, 1, null],
  command: [
    ["serve"],
    [""],
    [],
    ["\0"],
    [1],
    "serve",
    ["x".repeat(65_536)],
    ["x".repeat(65_537)],
    null,
  ].concat([Array.from({ length: 1_000 }, () => "x"), Array.from({ length: 1_001 }, () => "x")]),
  rollbackWhenWorse: [true, false, "true", 0, 1, null],
  releaseCommand: [["migrate", ""], [], ["\0"], [1], "migrate", null],
  health: [
    {},
    { path: "/healthz?deep=1" },
    ...["", "healthz", "/a b", "/ü", "/\r\nX: y", `/${"x".repeat(1_023)}`, `/${"x".repeat(1_024)}`, 1].map(
      (path) => ({
        path,
      }),
    ),
    ...["200", "200-399", "200-200", "399-200", "", "600", "200-", "20", "٢٠٠", 200].map((status) => ({
      status,
    })),
    ...[1, 60, 0, 61, 1.5, "5", true].map((timeoutSeconds) => ({ timeoutSeconds })),
    "/",
    [],
    null,
  ],
  edge: [
    {},
    ...[1, 2048, 0, 2049, 1.5, "10", true, null].map((bodyMib) => ({ bodyMib })),
    ...["drop", "pass", "", "DROP", true, null].map((underscores) => ({ underscores })),
    ...["10.0.0.0/8", "203.0.113.7/32", "0.0.0.0/0", "10.0.0.0/7", "10.0.0.1/8", "10.0.0.0", "010.0.0.0/8"]
      .concat(["10.0.0.0/08", "10.0.0.0/255.0.0.0", "::/8", "10.0.0.0/8;", "10.0.0.0/8\n", " 10.0.0.0/8", ""])
      .map((block) => ({ trustedProxies: [block] })),
    ...[[], [1], [null], "10.0.0.0/8", null].map((trustedProxies) => ({ trustedProxies })),
    ...[256, 257].map((length) => ({ trustedProxies: Array.from({ length }, () => "10.0.0.0/8") })),
    [],
    "",
    1,
    null,
  ],
};
const tried = Object.entries(values).flatMap(([field, all]) => all.map((value) => ({ field, value })));

async function readReader() {
  const folders = [
    "lib/host/agent/usr/local/lib/berth",
    "lib/host/launcher/usr/local/lib/berth-launcher",
    "test/host/decisions",
  ].map((path) => fromRoot(path));
  const running = promisify(execFile)(pythonPath, ["-B", fromRoot("test/release/host-reader.py")], {
    env: { ...process.env, PYTHONPATH: folders.join(":"), PYTHONUTF8: "1" },
  });
  running.child.stdin?.end(tried.map(({ field, value }) => JSON.stringify([field, value])).join("\n"));
  const { stdout } = await running;
  return readerSchema.parse(JSON.parse(stdout));
}

describe("the host's reader of a release", async () => {
  const reader = await readReader();

  it("goes by every field of the schema but those that are for the record", () => {
    assert.deepEqual(
      [...reader.used, ...unused].toSorted(),
      Object.keys(release.shape).toSorted(),
      "either the agent reads a new field, or it is named in this test as not used",
    );
  });

  it("refuses exactly the numbers that the schema refuses", () => {
    const numbers = Object.entries({ number, ...content.shape }).flatMap(([field, type]) =>
      type instanceof z.ZodNumber ? [[field, [type.minValue, type.maxValue]]] : [],
    );
    assert.deepEqual(reader.bounds, Object.fromEntries(numbers));
  });

  it("takes exactly the other values that the schema takes", () => {
    const schema = tried.map(
      ({ field, value }) => release.safeParse({ ...published, [field]: value }).success,
    );
    for (const [index, { field, value }] of tried.entries())
      assert.equal(reader.takes[index], schema[index], `${field}: ${JSON.stringify(value).slice(0, 80)}`);
    assert.ok(schema.includes(true) && schema.includes(false));
    const compared = [...Object.keys(values), ...Object.keys(reader.bounds), ...unused, ...apart];
    assert.deepEqual(compared.toSorted(), Object.keys(release.shape).toSorted());
  });

  it("means by a later field that isn't there what the schema means", () => {
    const { environment, image, memoryMib, port, replicas, at, by } = published;
    const earlier = { number: 1, environment, image, memoryMib, port, replicas, at, by };
    const read: Readonly<Record<string, unknown>> = release.parse(earlier);
    const fields = Object.keys(reader.defaults);
    assert.deepEqual(
      reader.defaults,
      Object.fromEntries(fields.map((field) => [field, read[field] ?? null])),
    );
  });

  it("refuses of the edge's settings exactly what the schema refuses, and has its defaults", () => {
    const fields = Object.entries(content.shape.edge.shape);
    const ranges = fields.flatMap(([field, type]) =>
      type instanceof z.ZodNumber ? [[field, [type.minValue, type.maxValue]]] : [],
    );
    const choices = fields.flatMap(([field, type]) =>
      type instanceof z.ZodEnum ? [[field, type.options]] : [],
    );
    assert.deepEqual(reader.edge.bounds, Object.fromEntries(ranges));
    assert.deepEqual(reader.edge.choices, Object.fromEntries(choices));
    assert.deepEqual(reader.edge.defaults, z.object(edgeFields).parse({}));
    assert.equal(ranges.length + choices.length, fields.length - 1, "trustedProxies has its own test");
  });

  it("takes another number, or other content under the same number, for another release", () => {
    // What runs is the same, however long it was given to start: nothing is started anew for that.
    const compared = Object.keys(content.shape).filter((field) => field !== "startSeconds");
    assert.deepEqual(reader.content.toSorted(), ["number", ...compared].toSorted());
  });
});
