import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { estimateCost } from "../../lib/deploy/cost.ts";
import { BerthError } from "../../lib/errors.ts";
import { createJsonReport } from "../../lib/report/json-report.ts";
import { type Summary, Tally } from "../../lib/report/report.ts";
import type { ShownPlan } from "../../lib/report/shown-plan.ts";
import { createTextReport } from "../../lib/report/text-report.ts";

const plan: ShownPlan = {
  warnings: [{ code: "no-way-in", message: "nothing gets in", hint: "open port 80" }],
  steps: [
    { name: "vpc", kind: "vpc", action: "create", differences: [], because: "not there yet" },
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
      "  + vpc                create  not there yet",
      "  ~ role               update",
      "      trust: * -> ec2",
      "  ± instance           replace",
      "      type: a -> b  (another machine)",
      "      a new host boots",
      "  - subnet subnet-0: replaced earlier, to be removed",
      "1 to create, 1 to update, 1 to replace, 1 to remove",
      "warning  nothing gets in",
      "         open port 80",
    ]);
    assert.equal(stderr, "");
  });

  it("says that there is nothing to do, and keeps a plan that isn't asked for off stdout", (t) => {
    const { stdout, stderr } = written(t, () =>
      createTextReport(new Tally()).plan({ steps: [], superseded: [], warnings: [] }, false),
    );

    assert.deepEqual([stdout, stderr], ["", "No changes: everything is as declared.\n"]);
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
        "up: done in T; 2 created, 1 replaced; 7 reads, 3 writes",
      ],
    );
    assert.deepEqual(tally.changes, { created: 1, updated: 0, replaced: 0, removed: 0 });
  });

  it("says so when nothing was changed", (t) => {
    const changes = { created: 0, updated: 0, replaced: 0, removed: 0 };
    const { stderr } = written(t, () => createTextReport(new Tally()).summary({ ...summary, changes }));

    assert.equal(stderr, "up: done in 12.3 s; nothing changed; 7 reads, 3 writes\n");
  });
});

describe("the tally", () => {
  it("counts each kind of change and of call", () => {
    const tally = new Tally();
    for (const action of ["create", "update", "update", "replace", "remove", "build"]) tally.changed(action);
    const call = { service: "ec2", operation: "DescribeVpcs", durationMs: 1, outcome: "ok" };
    tally.calls.push({ ...call, kind: "read" }, { ...call, kind: "write" }, { ...call, kind: "read" });

    assert.deepEqual(tally.changes, { created: 1, updated: 2, replaced: 1, removed: 1 });
    assert.deepEqual(tally.countCalls(), { read: 2, write: 1 });
  });
});

describe("what a stack costs", () => {
  const cost = (type: string, diskGib: number, isFreeTier = false) =>
    estimateCost(
      { instance: { type, diskGib, dataGib: 100, os: "debian-13" }, app: { volumes: {} } },
      isFreeTier,
    );

  it("is host, disk and address for a month of 730 hours", () => {
    assert.deepEqual(cost("t3.micro", 8), { monthlyUsd: 11.88, text: "about $11.88 a month at list price" });
    assert.equal(cost("t3.micro", 18).monthlyUsd, 12.68);
    assert.match(cost("t3.micro", 8, true).text, /; t3\.micro is eligible for AWS's free tier$/);
  });

  it("is not made up for a type whose price isn't known", () => {
    assert.deepEqual(cost("m5.large", 8), {
      monthlyUsd: undefined,
      text: "$4.29 a month and what m5.large costs",
    });
  });
});
