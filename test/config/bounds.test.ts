import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { subnetsOf } from "../../lib/config/network.ts";
import { ingressOf } from "../../lib/config/ingress.ts";
import { schema } from "../../lib/config/schema.ts";

const least = { stack: "hello", region: "eu-central-1", app: { source: "app" } };

/** Whether a configuration that has only this beside what it needs is taken. */
const isTaken = (changes: Readonly<Record<string, unknown>>): boolean =>
  schema.safeParse({ ...least, ...changes }).success;

const app = (more: object) => ({ app: { source: "app", ...more } });
const ingress = (more: object) => ({ ingress: [{ port: 80, ...more }] });
const longPaths = ["a".repeat(255), `${"é".repeat(127)}a`, "é/".repeat(1365)];
const tooLongPaths = ["a".repeat(256), "é".repeat(128), `${"é/".repeat(1365)}a`];
/** 90,000 bytes. */
const third = "é".repeat(45_000);
const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${String(index)}`, "x"]));

interface Tried {
  readonly value: unknown;
  readonly config: Readonly<Record<string, unknown>>;
}

interface Bounds {
  readonly taken: readonly Tried[];
  readonly refused: readonly Tried[];
}

function bounds<T>(
  configOf: (value: T) => Readonly<Record<string, unknown>>,
  taken: readonly T[],
  refused: readonly T[],
): Bounds {
  const tryAll = (values: readonly T[]) => values.map((value) => ({ value, config: configOf(value) }));
  return { taken: tryAll(taken), refused: tryAll(refused) };
}

/** Of words, as a command is: taken, and refused. */
const lists = [
  [["serve"], ["-v", ""], ["x".repeat(64 * 1024)], Array.from({ length: 1_000 }, () => "x")],
  [
    "serve",
    [],
    [8080],
    [true],
    [null],
    ["\0"],
    ["x".repeat(64 * 1024 + 1)],
    Array.from({ length: 1_001 }, () => ""),
  ],
] as const;

const table: Readonly<Record<string, Bounds>> = {
  stack: bounds<unknown>(
    (stack) => ({ stack }),
    ["a", "a1", "a-b-c", "ab-cd", "a".repeat(24)],
    ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a.b", "a".repeat(25), 7],
  ),
  region: bounds<unknown>(
    (region) => ({ region }),
    ["eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1"],
    ["", "eu-mars-1", "aws-global", "EU-CENTRAL-1", "eu-central-1a"],
  ),
  "app.source": bounds<unknown>(
    (source) => ({ app: { source } }),
    [...longPaths, "a", "/a/b", "../a"],
    [...tooLongPaths, "", 1, undefined],
  ),
  "app.dockerfile": bounds<unknown>((dockerfile) => app({ dockerfile }), ["Dockerfile"], ["", 1]),
  "app.port": bounds<unknown>((port) => app({ port }), [1, 8080, 65_535], [0, -1, 65_536, 80.5, "80"]),
  "app.replicas": bounds<unknown>((replicas) => app({ replicas }), [1, 10], [0, 11, 1.5, "2"]),
  "app.memoryMib": bounds<unknown>(
    (memoryMib) => app({ memoryMib }),
    [16, 65_536],
    [15, 65_537, 16.5, "128"],
  ),
  "app.stopSeconds": bounds<unknown>((stopSeconds) => app({ stopSeconds }), [1, 120], [0, 121, 1.5, "10"]),
  "a key of edge": bounds<unknown>(
    (key) => ({ edge: { [String(key)]: 10 } }),
    ["bodyMib"],
    ["bodyMiB", "app"],
  ),
  "app.startSeconds": bounds<unknown>((startSeconds) => app({ startSeconds }), [1, 300], [0, 301, 1.5, "60"]),
  "app.user": bounds<unknown>(
    (user) => app({ user }),
    ["0", "root", "1000", "1000:0", "app", "_app", "www-data", "a".repeat(32), "2147483647:2147483647"],
    [
      "",
      "-1",
      "+0",
      "app:app",
      "1000:",
      ":1000",
      "1000:app",
      "a b",
      "-u",
      "é",
      "a".repeat(33),
      "2147483648",
      "1:2147483648",
      "٣",
      1000,
      true,
    ],
  ),
  "app.writable": bounds<unknown>((writable) => app({ writable }), [true, false], ["true", 1, null]),
  "app.secrets": bounds<unknown>(
    (secrets) => app({ secrets, environment: { TAKEN: "x" } }),
    [
      {},
      { DATABASE_URL: "ssm:/shop/database-url", A: "ssm:name", B: "ssm:a.b_c-d/e" },
      { TOKEN: "secretsmanager:shop/a+b=c.d@e-f_G" },
      { A: `secretsmanager:${"a".repeat(512)}` },
      Object.fromEntries(Array.from({ length: 100 }, (_none, index) => [`N${index}`, "ssm:/a"])),
    ],
    [
      { TAKEN: "ssm:/a" },
      ...[
        "hunter2",
        "ssm:/shop/a:1",
        "ssm:",
        "ssm://a",
        "ssm:/a/",
        "ssm:/a b",
        "ssm:/é",
        "file:/etc/passwd",
      ].map((source) => ({ A: source })),
      { A: `secretsmanager:${"a".repeat(513)}` },
      { "A-B": "ssm:/a" },
      { A: 1 },
      ["ssm:/a"],
      null,
      Object.fromEntries(Array.from({ length: 101 }, (_none, index) => [`N${index}`, "ssm:/a"])),
    ],
  ),
  "app.tmpMib": bounds<unknown>((tmpMib) => app({ tmpMib }), [1, 65_536], [0, 65_537, 1.5, "64"]),
  "app.command": bounds<unknown>((command) => app({ command }), ...lists),
  "app.rollbackWhenWorse": bounds<unknown>(
    (rollbackWhenWorse) => app({ rollbackWhenWorse }),
    [true, false],
    ["true", 1, null],
  ),
  "app.releaseCommand": bounds<unknown>((releaseCommand) => app({ releaseCommand }), ...lists),
  "app.health.path": bounds<unknown>(
    (path) => app({ health: { path } }),
    ["/", "/healthz?deep=1", `/${"x".repeat(1_023)}`],
    ["", "healthz", "/a b", "/a\r\nX: y", "/ü", `/${"x".repeat(1_024)}`, 1],
  ),
  "app.health.status": bounds<unknown>(
    (status) => app({ health: { status } }),
    ["200", "100-499", "200-599", "204-204"],
    ["399-200", "", "2xx", "600", "099", "200-", "200-600", "200,204", "2000", 200, "٢٠٠"],
  ),
  "app.health.timeoutSeconds": bounds<unknown>(
    (timeoutSeconds) => app({ health: { timeoutSeconds } }),
    [1, 60],
    [0, 61, 1.5, "5"],
  ),
  "app.health": bounds<unknown>((health) => app({ health }), [{}], ["/", [], { paths: "/" }, null]),
  "app.volumes": bounds<unknown>(
    (volumes) => app({ volumes }),
    [
      {},
      { uploads: "/app/uploads" },
      { "a-1": "/var/lib/app", b: "/srv/.b_c-d" },
      { ["a".repeat(31)]: "/x" },
      Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`n${at}`, `/n/${at}`])),
      ...[
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
    ],
    [
      { A: "/x" },
      { "1a": "/x" },
      { a_b: "/x" },
      { "": "/x" },
      { ["a".repeat(32)]: "/x" },
      ...[
        "",
        "x",
        "/",
        "/x/",
        "//x",
        "/x/../y",
        "/x/./y",
        "/..",
        "/a b",
        "/a,b",
        "/a:b",
        "/tmp",
        "/etc",
        "/var",
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
      ].map((path) => ({ a: path })),
      ...["/proc/x", "/sys", "/dev/shm", "/usr", `/${"x".repeat(256)}`].map((path) => ({ a: path })),
      { a: "/x", b: "/x" },
      { a: "/x", b: "/x/y" },
      Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`n${at}`, `/n/${at}`])),
      { a: 7 },
      ["/x"],
    ],
  ),
  "instance.dataGib": bounds<unknown>(
    (dataGib) => ({ instance: { dataGib } }),
    [1, 8, 16_384],
    [0, 16_385, 8.5, "8"],
  ),
  "app.environment": bounds(
    (name: string) => app({ environment: { [name]: "x" } }),
    ["A", "_a", "A_1", "A".repeat(256)],
    ["1A", "A-B", "", "A B", "A=B", "A".repeat(257)],
  ),
  "a value of app.environment": bounds<unknown>(
    (value) => app({ environment: { A: value } }),
    ["", "x", "x".repeat(128 * 1024 - 3), "é".repeat(64 * 1024 - 2)],
    ["x".repeat(128 * 1024 - 2), "é".repeat(64 * 1024 - 1), "\0", 1, true, {}, ["x"], undefined],
  ),
  "the number of variables": bounds(
    (count: number) => app({ environment: many(count) }),
    [0, 1_000],
    [1_001],
  ),
  "the bytes of all variables": bounds(
    (length: number) => app({ environment: { A: third, B: third, C: "x".repeat(length - 180_006) } }),
    [256 * 1024],
    [256 * 1024 + 1],
  ),
  "app.build.args": bounds(
    (name: string) => app({ build: { args: { [name]: "x" } } }),
    ["A", "_a", "A_1", "A".repeat(256)],
    ["1A", "A-B", "", "A B", "A=B", "A".repeat(257)],
  ),
  "a value of app.build.args": bounds<unknown>(
    (value) => app({ build: { args: { A: value } } }),
    ["", "x", "x".repeat(64 * 1024 - 1)],
    ["x".repeat(64 * 1024), "é".repeat(32 * 1024), "\0", 1, true, {}, undefined],
  ),
  "app.build.target": bounds<unknown>(
    (target) => app({ build: { target } }),
    ["web", "0", "a.b-c_d", "a".repeat(128)],
    ["", "-a", "a b", "a/b", "a".repeat(129), 1],
  ),
  "app.build.secrets": bounds(
    (id: string) => app({ build: { secrets: { [id]: { env: "A" } } } }),
    ["npm_token", "a.b", "A-1"],
    ["", "-a", "a b", "a,b", "a=b", "a".repeat(129)],
  ),
  "where a build's secret comes from": bounds<unknown>(
    (from) => app({ build: { secrets: { a: from } } }),
    [{ env: "A" }, { file: "a/b" }],
    [{}, { env: "" }, { env: "A", file: "b" }, { value: "x" }, "x", { file: "" }, { file: "a\0" }],
  ),
  "ingress[].port": bounds<unknown>((port) => ingress({ port }), [1, 65_535], [0, 65_536, 1.5, "80"]),
  "ingress[].protocol": bounds<unknown>(
    (protocol) => ingress({ protocol }),
    ["tcp", "udp"],
    ["icmp", "all", "-1", "TCP"],
  ),
  "ingress[].from": bounds<unknown>(
    (from) => ingress({ from }),
    ["0.0.0.0/0", "10.0.0.0/8", "203.0.113.7/32", ["10.0.0.0/8", "192.168.0.0/16"]],
    [
      "10.0.0.1/8",
      "10.0.0.0",
      "10.0.0.0/33",
      "10.0.0/8",
      "256.0.0.0/8",
      "::/0",
      [],
      ["10.0.0.1/8"],
      "10.0.0.0/8/9",
      "10.0.0.0/08",
    ],
  ),
  ingress: bounds<unknown>((rules) => ({ ingress: rules }), [[]], ["all", [{}], [{ port: 80, more: 1 }]]),
  domain: bounds<unknown>(
    (domain) => ({ domain }),
    [
      "app.example.org",
      "example.org",
      "xn--bcher-kva.example",
      "a-b.c-d.example",
      `${"a".repeat(63)}.example`,
      "1.example",
      ["example.org", "www.example.org"],
      Array.from({ length: 10 }, (_, index) => `n${index}.example`),
    ],
    [
      "",
      "localhost",
      "App.example.org",
      "*.example.org",
      "example.org.",
      ".example.org",
      "a..example",
      "-a.example",
      "a-.example",
      "a_b.example",
      "bücher.example",
      "203.0.113.7",
      "https://example.org",
      "example.org/",
      "example.org:443",
      "a b.example",
      `${"a".repeat(64)}.example`,
      `${"a.".repeat(126)}example`,
      [],
      ["example.org", "example.org"],
      Array.from({ length: 11 }, (_, index) => `n${index}.example`),
      7,
    ],
  ),
  https: bounds<unknown>((https) => ({ https }), ["off", {}], ["on", "", true, false, { more: 1 }, []]),
  "https.directory": bounds<unknown>(
    (directory) => ({ https: { directory } }),
    ["https://acme-staging-v02.api.letsencrypt.org/directory", "https://ca.example:9000/acme/acme/directory"],
    ["", "http://ca.example/directory", "ca.example", "https://", "https://a b/", "https://ca.example/\n", 7],
  ),
  "https.email": bounds<unknown>(
    (email) => ({ https: { email } }),
    ["admin@example.org", "a.b+c_d-e@mail.example.org"],
    ["", "admin", "admin@localhost", "a b@example.org", "mailto:a@example.org", "a@b@example.org", 7],
  ),
  metrics: bounds<unknown>((metrics) => ({ metrics }), [true, false], ["true", 1, {}, null]),
  dashboard: bounds<unknown>((dashboard) => ({ dashboard }), [true, false], ["true", 1, {}, null]),
  shell: bounds<unknown>((shell) => ({ shell }), [true, false], ["true", 1, {}, null]),
  "alarms.email": bounds<unknown>(
    (email) => ({ alarms: { email } }),
    ["ops@example.com"],
    ["", "ops", "ops@localhost", "https://example.com/hook", 7, undefined],
  ),
  alarms: bounds<unknown>((alarms) => ({ alarms }), [undefined], [true, "ops@example.com", {}, [], null]),
  "alarms.failedRequestsPercent": bounds<unknown>(
    (failedRequestsPercent) => ({ alarms: { email: "ops@example.com", failedRequestsPercent } }),
    [1, 99],
    [0, 100, 0.5, "5"],
  ),
  "alarms.failedTriesPercent": bounds<unknown>(
    (failedTriesPercent) => ({ alarms: { email: "ops@example.com", failedTriesPercent } }),
    [1, 99],
    [0, 100, 0.5, "20"],
  ),
  "https.hstsSeconds": bounds<unknown>(
    (hstsSeconds) => ({ https: { hstsSeconds } }),
    [0, 63_072_000],
    [-1, 63_072_001, 1.5, "300"],
  ),
  "instance.type": bounds<unknown>(
    (type) => ({ instance: { type } }),
    ["t3.micro", "m5.24xlarge", "u-6tb1.metal"],
    ["micro", "T3.micro", "t3.", ".micro", "t3 micro", "t3.micro;ls", "7t3.micro", " t3.micro", "x t3.micro"],
  ),
  "instance.os": bounds<unknown>(
    (os) => ({ instance: { os } }),
    ["debian-13", "amazon-linux-2023"],
    ["debian-12", "ubuntu", "windows", ""],
  ),
  "instance.diskGib": bounds<unknown>(
    (diskGib) => ({ instance: { diskGib } }),
    [8, 16_384],
    [7, 16_385, 8.5, "8"],
  ),
  "network.cidr": bounds<unknown>(
    (cidr) => ({ network: { cidr } }),
    ["10.0.0.0/16", "192.168.1.0/28", "172.16.0.0/20"],
    ["10.0.0.0/15", "10.0.0.0/29", "10.0.0.1/16", "10.0.0.0", "fd00::/16"],
  ),
  state: bounds<unknown>(
    (state) => ({ state }),
    [{ backend: "s3" }, { backend: "file" }, { backend: "file", path: "a" }],
    [{}, { backend: "gcs" }, { backend: "file", path: "" }, { backend: "s3", path: "a" }, "s3"],
  ),
  "a tag's name": bounds(
    (key: string) => ({ tags: { [key]: "x" } }),
    ["Team", "a".repeat(128), "laws:a", "my-berth:a", "Name", "Team é 日本 _.:/=+-@"],
    [
      "",
      "a".repeat(129),
      "aws:a",
      "AWS:a",
      "berth:stack",
      "Berth:a",
      "name",
      "NAME",
      ..."!\"#$%&'()*,;<>?[\\]^`{|}~\t\n\u{1F600}".split(/(?:)/u),
    ],
  ),
  "a tag's value": bounds<unknown>(
    (value) => ({ tags: { Team: value } }),
    ["x", "a".repeat(256), "laws:a", "berth:a", "é 日本 _.:/=+-@"],
    ["", "a".repeat(257), 1, "aws:a", "AWS:a", ..."!\"#$%&'()*,;<>?[\\]^`{|}~\t\n\u{1F600}".split(/(?:)/u)],
  ),
  "tags' names that differ by more than their case": bounds(
    (other: string) => ({ tags: { Team: "x", [other]: "y" } }),
    ["Teams", "Te am"],
    ["team", "TEAM"],
  ),
  "the number of tags": bounds((count: number) => ({ tags: many(count) }), [0, 40], [41]),
};

describe("berth.yaml takes, to the limit and no further,", () => {
  for (const [what, { taken, refused }] of Object.entries(table)) {
    it(what, () => {
      for (const { value, config } of taken) assert.equal(isTaken(config), true, JSON.stringify(value));
      for (const { value, config } of refused) assert.equal(isTaken(config), false, JSON.stringify(value));
    });
  }

  it("no key that it doesn't know, at any depth", () => {
    for (const one of [
      { more: 1 },
      app({ more: 1 }),
      { instance: { more: 1 } },
      { network: { more: 1 } },
      ingress({ more: 1 }),
      { state: { backend: "file", more: 1 } },
    ])
      assert.equal(isTaken(one), false, JSON.stringify(one));
  });
});

describe("berth.yaml leaves out", () => {
  it("whatever has a default, and these are they", () => {
    assert.deepEqual(schema.parse(least), {
      stack: "hello",
      region: "eu-central-1",
      domain: [],
      https: { directory: "https://acme-v02.api.letsencrypt.org/directory", hstsSeconds: 300 },
      app: {
        source: "app",
        build: { args: {}, secrets: {} },
        port: 8080,
        replicas: 2,
        memoryMib: 128,
        startSeconds: 60,
        stopSeconds: 10,
        rollbackWhenWorse: false,
        environment: {},
        secrets: {},
        writable: false,
        tmpMib: 64,
        volumes: {},
      },
      edge: {
        bodyMib: 10,
        answerSeconds: 60,
        idleSeconds: 60,
        drainSeconds: 30,
        headerKib: 32,
        underscores: "drop",
        trustedProxies: [],
      },
      instance: { type: "t3.micro", os: "debian-13", diskGib: 8, dataGib: 8 },
      network: { cidr: "10.20.0.0/16" },
      state: { backend: "s3" },
      metrics: false,
      dashboard: false,
      shell: false,
      tags: {},
    });
    assert.deepEqual(ingressOf(schema.parse(least)), [
      { port: 80, protocol: "tcp", from: ["0.0.0.0/0"] },
      { port: 443, protocol: "tcp", from: ["0.0.0.0/0"] },
    ]);
    assert.deepEqual(ingressOf(schema.parse({ ...least, https: "off" })), [
      { port: 80, protocol: "tcp", from: ["0.0.0.0/0"] },
    ]);
    assert.deepEqual(schema.parse({ ...least, ingress: [{ port: 53, protocol: "udp" }] }).ingress, [
      { port: 53, protocol: "udp", from: ["0.0.0.0/0"] },
    ]);
    assert.deepEqual(schema.parse({ ...least, state: { backend: "file" } }).state, {
      backend: "file",
      path: ".berth/state",
    });
  });

  it("the brackets of a single source", () => {
    const parsed = schema.parse({ ...least, ...ingress({ from: "10.0.0.0/8" }) });

    assert.deepEqual(parsed.ingress?.[0]?.from, ["10.0.0.0/8"]);
  });
});

describe("the subnet of a network", () => {
  for (const [network, subnet] of [
    ["10.20.0.0/16", "10.20.0.0/24"],
    ["10.20.0.0/24", "10.20.0.0/24"],
    ["10.20.0.0/28", "10.20.0.0/28"],
  ] as const)
    it(`${network} is ${subnet}`, () => assert.equal(subnetsOf(network)[0], subnet));
});
