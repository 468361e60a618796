import assert from "node:assert/strict";
import { packAgent } from "../../lib/host/bundle.ts";
import { after, describe, it } from "node:test";
import { z } from "zod";
import { releaseKey } from "../../lib/release/document.ts";
import { recordKey } from "../../lib/release/record.ts";
import { stateKey } from "../../state/store.ts";
import type { Ended } from "../strict-aws/cli.ts";
import { openEventRuns } from "./event-runs.ts";
import { checkEvent, readTables } from "./event-tables.ts";
import { read } from "./tree.ts";

const documented = readTables(await read("docs/events.md"));
const stack = await openEventRuns();
const { cli } = stack;
after(() => stack[Symbol.asyncDispose]());

const releasesSchema = z.array(
  z.object({ number: z.number(), result: z.string(), seconds: z.record(z.string(), z.number()).optional() }),
);
const versionsSchema = z.array(z.object({ id: z.string() }));

/** Paths that were printed, by event. */
const printed = new Map<string, Set<string>>();

/** Ends as expected, and everything that it printed is in the tables. */
async function expect(exitCode: number, running: Promise<Ended>) {
  const { events, exitCode: ended, stderr, summary } = await running;
  assert.equal(ended, exitCode, `${events.map((one) => JSON.stringify(one)).join("\n")}\n${stderr}`);
  const command = summary?.command ?? "";
  for (const one of events) {
    const from = documented.from.get(one.event);
    assert.ok(from === "all" || from?.includes(command), `${command} prints ${one.event}`);
    const { seen, wrong } = checkEvent(one, documented.fields.get(one.event) ?? new Map());
    assert.deepEqual(wrong, [], JSON.stringify(one));
    printed.set(one.event, new Set([...(printed.get(one.event) ?? []), ...seen]));
  }
  return (event: string) =>
    events.find((one) => one.event === event) ?? assert.fail(`${command} printed no ${event}`);
}

describe("what a command prints with --json", () => {
  let url: unknown;

  it("is as documented from an empty account to a stack that serves", async () => {
    const commit = await stack.commit();
    const forget = await stack.leavePrivate();
    await expect(2, cli.run("plan"));
    await forget();
    const up = await expect(0, cli.run("up", "--yes"));
    url = up("outputs")["url"];

    const { number, image, at, by } = JSON.parse((await stack.read(releaseKey)).body);
    assert.deepEqual(up("outputs")["release"], { number, image, commit, at, by });
    assert.equal(number, 1);
  });

  it("has the release and the counters of the host that serves, not of one that is gone", async () => {
    const [lastMinute, lastHour] = [
      { tries: 7, errors: 1 },
      { tries: 150, errors: 12 },
    ];
    const counted = { tries: 200, errors: 20, failures: { late: 3 }, lastMinute, lastHour };
    // Nothing to wait for: the next try is too far away.
    const https = { wanted: [new URL(String(url)).hostname], error: "no", next: "2099-01-01T00:00:00Z" };
    await stack.report(
      await stack.host(),
      1,
      { ...counted, at: "2026-11-26T10:00:00Z" },
      { https, log: ["a last word"] },
    );
    await stack.report("i-gone", 1, { tries: 7, errors: 7 });
    const { number, image, commit, at, by } = JSON.parse((await stack.read(releaseKey)).body);

    const status = (await expect(0, cli.run("status")))("status");
    const outputs = (await expect(0, cli.run("up", "--yes")))("outputs");

    for (const event of [status, outputs]) {
      assert.deepEqual(event["app"], {
        ...counted,
        at: "2026-11-26T10:00:00Z",
        log: ["a last word"],
      });
      assert.deepEqual(event["https"], https);
      assert.deepEqual(event["release"], { number, image, commit, at, by });
      assert.equal(event["url"], url);
    }
  });

  it("has what DNS answers for a domain", async () => {
    await cli.configure({ domain: "app.example.net" });
    const status = (await expect(0, cli.run("status")))("status");
    const [domain] = z.array(z.object({ name: z.string(), text: z.string() })).parse(status["domains"]);
    assert.deepEqual(domain, { name: "app.example.net", text: "app.example.net doesn't resolve" });
    await cli.configure();
  });

  it("has who watches the stack", async () => {
    await cli.configure({ alarms: { email: "ops@example.com" }, https: "off" });
    await expect(0, cli.run("up", "--yes"));
    await expect(0, cli.run("plan"));
    const status = (await expect(0, cli.run("status")))("status");
    assert.equal(Object(status["watching"]).isConfirmed, false);
    await cli.configure();
    await expect(0, cli.run("up", "--yes"));
  });

  it("has what the host knows of its replicas", async () => {
    const https = {
      wanted: ["203.0.113.7"],
      certificate: { names: ["203.0.113.7"], issuer: "somebody", notBefore: "then", notAfter: "later" },
      error: "the authority is down",
      cause: "down",
      failures: 2,
      next: "2026-11-26T10:05:00Z",
    };
    const [running, refused] = [packAgent().sha256, "b".repeat(64)];
    const last = { at: "2026-11-26T10:00:00Z", reason: "app-1-0 was killed for memory", cause: "memory" };
    const failure = { status: "failed", reason: "app-1-0 stopped by itself: exit code 3", cause: "exit" };
    const more = {
      ...failure,
      log: ["OSError: [Errno 30] Read-only file system: 'uploads'", "\u001b[2J"],
      restarts: { count: 3, last },
      trouble: "the edge: no",
      https,
      agent: { sha256: running, failed: { sha256: refused, at: "then", reason: "it ended 3 times" } },
    };
    const host = await stack.host();
    await stack.report(host, 1, { tries: 1, errors: 0 }, more);
    const status = (await expect(0, cli.run("status")))("status");
    await stack.report(host, 1, { tries: 200, errors: 20 });

    const hint =
      "the disk is read-only except for /tmp: let the app write there, or set app.writable to true; the lines above are the end of its log";
    const { reason, cause } = failure;
    assert.deepEqual(status["https"], https);
    assert.deepEqual(status["host"], {
      restarts: { count: 3, last },
      failure: { release: 1, reason, cause, hint, log: more.log },
      trouble: "the edge: no",
      agent: { refused, reason: "it ended 3 times", running, isRetried: false },
    });
  });

  it("has the last hour of its metrics", async () => {
    await cli.configure({ metrics: true });
    await stack.measure(await stack.host());
    await expect(0, cli.run("status"));
    await cli.configure();
  });

  it("has the history, whatever became of a record", async () => {
    const [one] = releasesSchema.parse((await expect(0, cli.run("history")))("releases")["releases"]);
    assert.deepEqual([one?.number, one?.result, one?.seconds?.["hosts"] !== undefined], [1, "serves", true]);
    const { body } = await stack.read(recordKey(1));
    const { end, ...record } = JSON.parse(body);
    const failed = { ...end, result: "failed", reason: "no" };
    await stack.write(recordKey(1), { ...record, rolledBack: { from: 8, to: 7 }, end: failed });
    await expect(0, cli.run("history", "--all"));
    await expect(
      0,
      stack.damaged(recordKey(1), () => cli.run("history")),
    );
    await stack.write(recordKey(1), body);
  });

  it("is as documented for a rollback and the plan after it", async () => {
    await cli.configure({ app: { ...stack.app, replicas: 3 } });
    await expect(0, cli.run("up", "--yes"));
    await expect(0, cli.run("rollback", "--yes"));
    await expect(2, cli.run("plan"));
    await expect(0, cli.run("status"));
    await cli.configure();
  });

  it("has the release that serves where the one that was published last failed", async () => {
    const host = await stack.host();
    const counted = { tries: 200, errors: 20 };
    const { number } = JSON.parse((await stack.read(releaseKey)).body);
    await stack.report(host, number, counted, { status: "failed", reason: "no", serves: 2 });
    const { image, commit, at, by } = JSON.parse((await stack.read(recordKey(2))).body);
    const status = (await expect(0, cli.run("status")))("status");
    assert.deepEqual(status["serving"], { number: 2, image, commit, at, by });
    await expect(
      0,
      stack.damaged(recordKey(2), () => cli.run("status")),
    );
    await stack.report(host, number, counted);
  });

  it("is as documented for a maintenance", async () => {
    await expect(0, cli.run("maintenance", "on", "--yes"));
    await expect(0, cli.run("plan"));
    await expect(0, cli.run("status"));
    await expect(0, cli.run("maintenance", "off"));
  });

  it("is as documented for what differs, what is left over, and what fails", async () => {
    await cli.configure({ app: stack.app, network: { cidr: "10.30.0.0/16" } });
    await expect(2, cli.run("plan"));
    await cli.configure({ app: { ...stack.app, replicas: 3 } });
    const isPublishing = ({ operation, url: to }: { operation: string; url: string }) =>
      operation === "PutObject" && to.includes(releaseKey);
    stack.aws.faults.always(isPublishing, "denied");
    await expect(1, cli.run("up", "--yes"));
    stack.aws.faults.clear();
    await cli.configure({ app: { ...stack.app, port: 0 } });
    await expect(3, cli.run("plan"));
    await cli.configure();
    const document = JSON.parse((await stack.read(stateKey)).body);
    const superseded = [{ name: "vpc", kind: "vpc", generation: 1, id: "vpc-0123456789abcdef0" }];
    await stack.write(stateKey, { ...document, superseded });
    await expect(2, cli.run("plan"));
  });

  it("is as documented for what is stored", async () => {
    await stack.lease();
    await expect(0, cli.run("state", "show"));
    await expect(0, cli.run("state", "show", "--raw"));
    await expect(0, cli.run("state", "unlock", "--force", "--yes"));
    const forget = await stack.leaveUnsaved();
    await expect(
      0,
      stack.damaged(stateKey, () => cli.run("state", "show")),
    );
    await forget();
    await expect(
      0,
      stack.damaged(releaseKey, () => cli.run("state", "show")),
    );
    const history = await expect(0, cli.run("state", "history"));
    const [newest] = versionsSchema.parse(history("history")["versions"]);
    await expect(0, cli.run("state", "restore", "--version", newest?.id ?? "", "--yes"));
    await expect(0, cli.run("state", "rebuild", "--yes"));
  });

  it("is as documented for a stack with data", async () => {
    await cli.configure({ app: { ...stack.app, volumes: { uploads: "/app/uploads" } } });
    await expect(0, cli.run("up", "--yes"));
    await expect(0, cli.run("snapshot"));
  });

  it("is as documented from a host that doesn't answer to what is left of the stack", async () => {
    await stack.unplug(String(url));
    const status = await expect(0, cli.run("status"));
    assert.match(JSON.stringify(status("status")["health"]), /"isHealthy":false/);
    stack.leaveBehind();
    await expect(6, cli.run("down", "--yes", "--keep-data"));
  });

  it("was all that is documented", () => {
    for (const [event, fields] of documented.fields)
      assert.deepEqual(
        [...fields].flatMap(([path, { isBorrowed }]) =>
          isBorrowed || printed.get(event)?.has(path) === true ? [] : path,
        ),
        [],
        `of ${event} nothing printed these`,
      );
  });
});
