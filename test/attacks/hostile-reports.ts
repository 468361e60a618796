import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Attack } from "./attack.ts";
import { foreigners, type Foreign } from "./foreigners.ts";
import { refusalOf } from "./hostile-state.ts";
import type { Target } from "./target.ts";
import { withSmallHeap } from "./small-heap.ts";
import { hostileText, isSafeForTerminal } from "./terminal.ts";

/** What is in the bucket of the stack that serves; put back after each attack, unless somebody has written it since. */
async function withObject<T>(
  { clients: { s3 }, bucket: Bucket }: Target,
  { key: Key, body: Body }: { readonly key: string; readonly body: string | Buffer },
  work: () => Promise<T>,
): Promise<T> {
  const earlier = await s3
    .send(new GetObjectCommand({ Bucket, Key }))
    .then(({ Body: found }) => found?.transformToString())
    .catch(() => undefined);
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  try {
    return await work();
  } finally {
    // A host says the same only once: its own report of what `work` released has to stay.
    const now = await s3.send(new HeadObjectCommand({ Bucket, Key })).catch(() => undefined);
    const isOurs = now?.ETag === ETag;
    if (isOurs && earlier === undefined) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    if (isOurs && earlier !== undefined) await s3.send(new PutObjectCommand({ Bucket, Key, Body: earlier }));
  }
}

const failed = (instance: string, more: object = {}) =>
  JSON.stringify({ instance, release: 1, status: "failed", reason: "a lie", serves: 1, at: "now", ...more });

const plan = async (target: Target): Promise<string> => {
  const run = await target.command("provision/plan.ts", "--json");
  if (run.exitCode === 0) return "plan finds no changes";
  return run.exitCode === 2 ? "plan finds changes" : refusalOf(run);
};

/** A report that isn't the host's, and what plan makes of it. */
const planWith =
  (key: string, body: (target: Target) => string | Buffer) =>
  (target: Target): Promise<string> =>
    withObject(target, { key, body: body(target) }, () => plan(target));

/** A report of the host's own that lies, by everything that a person then reads. */
async function readAll(target: Target): Promise<string> {
  const lines = Array.from({ length: 5000 }, () => hostileText);
  const body = failed(target.instanceId, { reason: hostileText, log: lines, at: hostileText });
  const key = `hosts/${target.instanceId}.json`;
  return withObject(target, { key, body }, async () => {
    const runs = [
      await target.command("provision/plan.ts"),
      await target.command("provision/status.ts"),
      await target.command("provision/up.ts", "--yes"),
    ];
    const text = runs.map(({ stdout, stderr }) => stdout + stderr).join("\n");
    if (!isSafeForTerminal(text)) return "reaches the terminal as it is";
    const count = text.split("\n").length;
    return count < 500 ? "safe for a terminal" : `safe, but ${count} lines`;
  });
}

/** Every number that a report may hold, as big as it may be. */
const bigNumbers = (target: Target) =>
  failed(target.instanceId, { status: "serving", upstream: { tries: 1e300, errors: 1e300 } });

/** A document of the stack that serves, with one thing of somebody else's as its own old one; then up. */
async function destroyByUp(target: Target, { kind, make, isThere }: Foreign): Promise<string> {
  const { clients, bucket: Bucket } = target;
  const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key: "state.json" }));
  const document: object = JSON.parse((await Body?.transformToString()) ?? "{}");
  const id = await make(clients, `somebody-and-${kind}`);
  const superseded = [{ name: kind, kind, generation: 1, id }];
  await withObject(target, { key: "state.json", body: JSON.stringify({ ...document, superseded }) }, () =>
    target.command("provision/up.ts", "--yes"),
  );
  return isThere(clients, id).then(
    () => "still there",
    () => "destroyed",
  );
}

let declarations = 100;

/** A release of the attacker's: the host must say something of it, and go on with what it serves. */
async function declare(target: Target, change: object): Promise<string> {
  const { clients, bucket: Bucket, machine } = target;
  const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key: "release.json" }));
  const release: object = JSON.parse((await Body?.transformToString()) ?? "{}");
  // Each with a number of its own: one that failed is not tried again.
  const body = JSON.stringify({ ...release, number: (declarations += 1), ...change });
  const serving = await machine(replicas);
  const lines = "journalctl --quiet --unit berth.service | wc -l";
  const before = await machine(lines);
  const seen = await withObject(target, { key: "release.json", body }, () =>
    machine(`
      for turn in $(seq 1 480); do [ "$(${lines})" != ${before} ] && break; sleep 0.25; done
      [ "$(${lines})" != ${before} ] || echo silent
      ${replicas}`),
  );
  await machine(
    `for turn in $(seq 1 480); do [ "$(${replicas})" = "${serving}" ] && break; sleep 0.25; done`,
  );
  const { status } = await fetch(`http://${target.address}/`);
  return status === 200 && /^app-\d+-0 running$/.test(serving) && seen === serving
    ? "the old release serves"
    : `${status}, ${seen}`;
}

const replicas =
  "docker ps --all --filter label=berth.release --format '{{.Names}} {{.State}}' | sort | paste -sd ,";

const attack = (
  name: string,
  expected: string,
  attempt: Attack["attempt"],
  from: Attack["from"] = "bucket-writer",
): Attack => ({
  from,
  name,
  expected,
  attempt,
  alone: true,
});

const noChanges = "plan finds no changes";
const liar = "hosts/i-00000000000000000.json";

export const hostileReports: readonly Attack[] = [
  attack(
    "report: in the name of another host",
    noChanges,
    planWith(liar, ({ instanceId }) => failed(instanceId)),
    "host-role",
  ),
  attack(
    "report: of a host whose name sorts last",
    noChanges,
    planWith("hosts/zzz.json", ({ instanceId }) => failed(instanceId)),
    "host-role",
  ),
  attack(
    "report: that is no JSON",
    noChanges,
    planWith(liar, () => "{"),
    "host-role",
  ),
  attack(
    "report: of 10,000 lists in each other",
    noChanges,
    planWith(liar, () => "[".repeat(10_000)),
    "host-role",
  ),
  attack(
    "report: with numbers of 1e300",
    "plan finds changes",
    (target) => planWith(`hosts/${target.instanceId}.json`, bigNumbers)(target),
    "host-role",
  ),
  attack("report: of 100 MB", noChanges, bigReport(liar), "host-role"),
  attack("report: hostile text, in plan, status and up", "safe for a terminal", readAll, "host-role"),
  ...foreigners.map((foreign) =>
    attack(`state: ${foreign.kind} of somebody else as superseded, and up`, "still there", (target) =>
      destroyByUp(target, foreign),
    ),
  ),
  attack("release: an image that is an option", "the old release serves", (target) =>
    declare(target, { image: "--help" }),
  ),
  attack("release: an image that nobody has", "the old release serves", (target) =>
    declare(target, { image: "127.0.0.1:9/none@sha256:0" }),
  ),
  attack("release: a number that is a path", "the old release serves", (target) =>
    declare(target, { number: "../../x" }),
  ),
  attack("release: a port that is an option", "the old release serves", (target) =>
    declare(target, { port: "80 --privileged" }),
  ),
  attack("release: more replicas than a configuration may have", "the old release serves", (target) =>
    declare(target, { replicas: 12 }),
  ),
  attack("release: a gate that waits for years", "the old release serves", (target) =>
    declare(target, { startSeconds: 1e9 }),
  ),
];

/** Whole JSON, of more pieces than the command's heap holds. */
function bigReport(key: string): Attack["attempt"] {
  return (target) => {
    const rest = failed(target.instanceId).slice(1);
    const body = Buffer.concat([
      Buffer.from('{"log":["x"'),
      Buffer.alloc(100 << 20, ',"x"'),
      Buffer.from(`],${rest}`),
    ]);
    return withObject(target, { key, body }, () => withSmallHeap(() => plan(target)));
  };
}
