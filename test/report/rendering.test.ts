import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { BerthError, exitCodes } from "../../lib/errors.ts";
import { createJsonReport } from "../../lib/report/json-report.ts";
import { type Summary, Tally } from "../../lib/report/report.ts";
import type { ShownPlan } from "../../lib/report/shown-plan.ts";
import { createTextReport } from "../../lib/report/text-report.ts";
import { sampleHead } from "./sample-head.ts";

const plan: ShownPlan = {
  head: sampleHead,
  warnings: [{ code: "no-way-in", message: "nothing gets in", hint: "open port 80" }],
  steps: [
    {
      name: "vpc",
      kind: "vpc",
      action: "create",
      differences: [],
      because: "not there yet",
      attributes: [
        { field: "", value: "10.20.0.0/16" },
        { field: "zone", value: "eu-central-1a" },
      ],
    },
    {
      name: "data-volume",
      kind: "data-volume",
      action: "create",
      differences: [],
      because: "vol-1 is gone",
      attributes: [{ field: "size", value: "8 GiB" }],
    },
    {
      name: "role",
      kind: "role",
      action: "update",
      differences: [{ field: "trust", desired: "ec2", observed: "*", action: "update" }],
    },
    {
      name: "instance",
      kind: "instance",
      action: "replace",
      differences: [
        { field: "type", desired: "b", observed: "a", action: "replace", reason: "another machine" },
      ],
      consequence: "a new host boots",
    },
  ],
  superseded: [{ name: "subnet", kind: "subnet", generation: 1, id: "subnet-0" }],
};
const error = new BerthError({
  code: "AccessDenied",
  message: "up: you may not",
  hint: "ask",
  resource: "vpc",
  detail: ["the first line", "the second"],
});
const summary: Summary = {
  command: "up",
  outcome: "done",
  changes: { created: 2, updated: 0, replaced: 1, removed: 0 },
  calls: { read: 7, write: 3 },
  durationMs: 12_345,
};

/** What is written to both streams while something is reported. No colours: neither is a terminal. */
function written(t: TestContext, reporting: () => void) {
  const streams = { stdout: "", stderr: "" };
  const mocks = (["stdout", "stderr"] as const).map((name) =>
    t.mock.method(process[name], "write", (text: string | Uint8Array) => {
      streams[name] += String(text);
      return true;
    }),
  );
  try {
    reporting();
  } finally {
    for (const mock of mocks) mock.mock.restore();
  }
  return streams;
}

describe("the report for machines", () => {
  it("writes one event a line on stdout, with all that is in it, and nothing else", (t) => {
    const tally = new Tally();
    const { stdout, stderr } = written(t, () => {
      const report = createJsonReport(tally);
      report.message("a word");
      report.plan(plan, false);
      const note = report.begin("vpc", "create");
      for (const text of ["pending", "pending", "ready"]) note(text);
      report.end("vpc", "create", "vpc-1");
      report.begin("role", "update");
      report.fail("role", "update");
      report.data("outputs", { url: "http://a/" }, ["for people"]);
      report.error(error);
      report.summary(summary);
      report.close();
    });

    const events: unknown[] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line.replace(/"durationMs":\d+/, '"durationMs":0')));
    const { code, message, hint, resource, detail } = error;
    assert.deepEqual(events, [
      { event: "message", text: "a word" },
      { event: "plan", ...plan },
      { event: "begin", name: "vpc", action: "create" },
      { event: "wait", name: "vpc", note: "pending" },
      { event: "wait", name: "vpc", note: "ready" },
      { event: "end", name: "vpc", action: "create", id: "vpc-1", durationMs: 0 },
      { event: "begin", name: "role", action: "update" },
      { event: "fail", name: "role", action: "update", durationMs: 0 },
      { event: "outputs", url: "http://a/" },
      { event: "error", code, message, hint, resource, detail },
      { event: "summary", ...summary, durationMs: 0 },
    ]);
    assert.equal(stderr, "");
    assert.equal(tally.changes.created, 1);
  });
});

describe("the report for people", () => {
  it("tells a plan field by field, with what is lost by it, and counts", (t) => {
    const { stdout, stderr } = written(t, () => createTextReport(new Tally()).plan(plan, true));

    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "account    123456789012 (acme-test)",
      "caller     arn:aws:iam::123456789012:user/ann",
      "stack      hello in eu-central-1",
      "host       t3.micro with 8 GiB, debian-13 (ami-0123456789abcdef0)",
      "open       tcp/80 from 0.0.0.0/0",
      "image      berth/hello:src-0123456789abcdef",
      "source     git commit 75ba0eba9634, clean",
      "cost       about $13.96 a month",
      "  + vpc                create  10.20.0.0/16, zone eu-central-1a",
      "  + data-volume        create  vol-1 is gone, size 8 GiB",
      "  ~ role               update",
      "      trust: * -> ec2",
      "  ± instance           replace",
      "      type: a -> b  (another machine)",
      "      a new host boots",
      "  - subnet subnet-0: replaced earlier, to be removed",
      "2 to create, 1 to update, 1 to replace, 1 to remove",
      "warning  nothing gets in",
      "         open port 80",
    ]);
    assert.equal(stderr, "");
  });

  it("says that there is nothing to do, and keeps a plan that isn't asked for off stdout", (t) => {
    const { stdout, stderr } = written(t, () =>
      createTextReport(new Tally()).plan(
        { steps: [], superseded: [], warnings: [], head: sampleHead },
        false,
      ),
    );

    assert.deepEqual(
      [stdout, stderr],
      ["", "No changes: hello in eu-central-1, account 123456789012, is as declared.\n"],
    );
  });

  it("tells errors with their code, their hint and what helps to understand them, on stderr", (t) => {
    const { stdout, stderr } = written(t, () => createTextReport(new Tally()).error(error));

    assert.equal(stdout, "");
    assert.deepEqual(stderr.trimEnd().split("\n"), [
      "  | the first line",
      "  | the second",
      "error AccessDenied (vpc): up: you may not",
      "hint  ask",
    ]);
  });

  it("tells each change when it has ended, and each failure, on stderr; data alone on stdout", (t) => {
    const tally = new Tally();
    const { stdout, stderr } = written(t, () => {
      const report = createTextReport(tally);
      report.begin("vpc", "create");
      report.end("vpc", "create", "vpc-1");
      report.begin("role", "update");
      report.fail("role", "update");
      report.fail("role", "update", true);
      report.data("outputs", { url: "http://a/" }, ["http://a/"]);
      report.data("empty", {}, []);
      report.summary(summary);
    });

    assert.equal(stdout, "http://a/\n");
    assert.deepEqual(
      stderr
        .replaceAll(/\d+\.\d s/g, "T")
        .trimEnd()
        .split("\n"),
      [
        "  + vpc                created  vpc-1  T",
        "  ✗ role               update failed after T",
        "  · role               update stopped after T",
        "up: done in T; 2 created, 1 replaced; 7 reads, 3 writes",
      ],
    );
    assert.deepEqual(tally.changes, { created: 1, updated: 0, replaced: 0, removed: 0 });
  });

  it("claims that nothing changed only when nothing could have", (t) => {
    const changes = { created: 0, updated: 0, replaced: 0, removed: 0 };
    const shown = (more: Partial<Summary>) =>
      written(t, () => createTextReport(new Tally()).summary({ ...summary, changes, ...more })).stderr;
    const reads = { read: 7, write: 0 };

    assert.equal(shown({}), "up: done in 12.3 s; 7 reads, 3 writes\n");
    assert.equal(
      shown({ calls: reads, outcome: "unchanged" }),
      "up: nothing to do in 12.3 s; nothing changed; 7 reads, 0 writes\n",
    );
    assert.equal(
      shown({ command: "plan", calls: reads, outcome: "changes-pending" }),
      "plan: changes pending in 12.3 s; 7 reads, 0 writes\n",
    );
    assert.equal(shown({ outcome: "failed" }), "up: failed in 12.3 s; 7 reads, 3 writes\n");
    assert.equal(shown({ outcome: "left-behind" }), "up: something is left in 12.3 s; 7 reads, 3 writes\n");
  });

  it("tells an interruption as what it is, and no error", (t) => {
    const { stderr } = written(t, () =>
      createTextReport(new Tally()).error(
        new BerthError({
          code: "Interrupted",
          message: "Cancelled; nothing changed",
          exitCode: exitCodes.interrupted,
        }),
      ),
    );

    assert.equal(stderr, "Cancelled; nothing changed\n");
  });
});

describe("the tally", () => {
  it("counts each kind of change and of call", () => {
    const tally = new Tally();
    for (const action of ["create", "update", "update", "replace", "remove", "build"])
      tally.ended("a step", action, 0);
    const call = { service: "ec2", operation: "DescribeVpcs", durationMs: 1, outcome: "ok" };
    tally.calls.push({ ...call, kind: "read" }, { ...call, kind: "write" }, { ...call, kind: "read" });

    assert.deepEqual(tally.changes, { created: 1, updated: 2, replaced: 1, removed: 1 });
    assert.deepEqual(tally.countCalls(), { read: 2, write: 1 });
  });
});
