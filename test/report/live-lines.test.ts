import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { createJsonReport } from "../../lib/report/json-report.ts";
import { Tally } from "../../lib/report/report.ts";
import { createTextReport } from "../../lib/report/text-report.ts";
import { FakeScreen } from "./screen.ts";

const { TERM } = process.env;
beforeEach(() => void (process.env["TERM"] = "xterm"));
afterEach(() => {
  if (TERM === undefined) delete process.env["TERM"];
  else process.env["TERM"] = TERM;
});

/** A report whose clock goes on when the test says so, and draws as it goes. */
function openReport(t: TestContext, options: { isTTY?: boolean; columns?: number } = {}) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 50_000;
  t.mock.method(performance, "now", () => nowMs);
  const [stdout, stderr] = [new FakeScreen(options), new FakeScreen(options)];
  const report = createTextReport(new Tally(), { stdout, stderr });
  const pass = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { report, pass, stdout, stderr };
}

describe("what is under way, on a terminal,", () => {
  it("stands at its foot, once, with the time it has taken", (t) => {
    const { report, pass, stderr } = openReport(t);

    report.begin("vpc", "create");
    report.begin("subnet", "create");
    assert.deepEqual(stderr.shown, []);
    pass(120);
    assert.deepEqual(stderr.shown, [
      "  … vpc                create 0.1 s",
      "  … subnet             create 0.1 s",
    ]);
    pass(60_000);
    assert.deepEqual(stderr.shown, [
      "  … vpc                create 60.1 s",
      "  … subnet             create 60.1 s",
    ]);
    report.close();
  });

  it("says what it waits for, at once in its line and nowhere else", (t) => {
    const { report, pass, stderr } = openReport(t);

    const note = report.begin("vpc", "create");
    pass(10_000);
    note("it is pending");
    pass(120);
    assert.deepEqual(stderr.shown, ["  … vpc                create 10.1 s  it is pending"]);
    report.close();
  });

  it("leaves its place to what is printed, and goes when it ends or fails", (t) => {
    const { report, pass, stderr } = openReport(t);

    report.begin("vpc", "create");
    report.begin("subnet", "create");
    pass(1000);
    report.message("a word");
    assert.deepEqual(stderr.shown, [
      "a word",
      "  … vpc                create 1.0 s",
      "  … subnet             create 1.0 s",
    ]);
    report.end("vpc", "create", "vpc-1");
    assert.deepEqual(stderr.shown, [
      "a word",
      "  + vpc                created  vpc-1  1.0 s",
      "  … subnet             create 1.0 s",
    ]);
    report.fail("subnet", "create");
    assert.deepEqual(stderr.shown.slice(2), ["  ✗ subnet             create failed after 1.0 s"]);
    pass(1000);
    assert.equal(stderr.shown.length, 3);
    report.close();
  });

  it("is wiped away at the end, and before whatever else is shown, and never drawn again", (t) => {
    for (const show of ["close", "data", "raw"] as const) {
      const { report, pass, stderr, stdout } = openReport(t);
      report.begin("vpc", "create");
      pass(120);
      assert.equal(stderr.shown.length, 1);

      if (show === "close") report.close();
      else if (show === "data") report.data("outputs", {}, ["url"]);
      else report.raw("state", {}, "\n  {\n}\n\n");

      assert.deepEqual(stderr.shown, []);
      assert.deepEqual(stdout.shown, { close: [], data: ["url"], raw: ["", "  {", "}"] }[show]);
      const { writes } = stderr;
      pass(1000);
      assert.equal(stderr.writes, writes);
      t.mock.timers.reset();
      t.mock.restoreAll();
    }
  });

  it("takes one row each, whatever the width: cut before the edge", (t) => {
    for (const [columns, length] of [
      [40, 39],
      [0, 79],
    ] as const) {
      const { report, pass, stderr } = openReport(t, { columns });
      report.begin("vpc", "create")("x".repeat(200));
      pass(120);
      assert.equal(stderr.shown[0]?.length, length);
      report.close();
      t.mock.timers.reset();
      t.mock.restoreAll();
    }
  });

  it("keeps its colours when it fits to the last column but one", (t) => {
    const { report, pass, stderr } = openReport(t, { columns: 40 });
    const raw: string[] = [];
    t.mock.method(stderr, "write", (text: string) => raw.push(text) > 0);

    const note = report.begin("vpc", "create");
    for (const [text, isColoured] of [
      ["x".repeat(2), true],
      ["x".repeat(3), false],
    ] as const) {
      raw.length = 0;
      note(text);
      pass(120);
      assert.equal(raw.join("").includes("\u001B[2m"), isColoured, JSON.stringify(raw));
    }
    report.close();
  });
});

describe("what is under way, where nothing can be redrawn,", () => {
  for (const [what, isTTY, term] of [
    ["a pipe", false, "xterm"],
    ["a dumb terminal", true, "dumb"],
  ] as const)
    it(`in ${what}, is told when it waits for something new, every five seconds at most`, (t) => {
      process.env["TERM"] = term;
      const { report, pass, stderr } = openReport(t, { isTTY });

      const note = report.begin("vpc", "create");
      pass(4_999);
      note("too early");
      assert.deepEqual(stderr.shown, []);
      pass(1);
      note("pending");
      assert.deepEqual(stderr.shown, ["  … vpc                create 5.0 s  pending"]);
      pass(5_000);
      note("pending");
      assert.equal(stderr.shown.length, 1);
      note("ready");
      note("and more");
      assert.deepEqual(stderr.shown.slice(1), ["  … vpc                create 10.0 s  ready"]);
      report.end("vpc", "create", "vpc-1");
      assert.deepEqual(stderr.shown.slice(2), ["  + vpc                created  vpc-1  10.0 s"]);
      report.close();
    });
});

it("machines are told how long a step took, lines as one text, and a stored text whole", (t) => {
  let nowMs = 50_000;
  t.mock.method(performance, "now", () => nowMs);
  const screen = new FakeScreen({ isTTY: false });
  const report = createJsonReport(new Tally(), { stdout: screen, stderr: screen });

  report.begin("vpc", "create");
  report.begin("subnet", "create");
  nowMs += 1_234.4;
  report.end("vpc", "create", "vpc-1");
  report.fail("subnet", "create");
  report.message(["a", "b"]);
  report.message("c");
  report.raw("state", { serial: 7 }, "{}\n");

  assert.deepEqual(
    screen.shown.slice(2).map((row): unknown => JSON.parse(row)),
    [
      { event: "end", name: "vpc", action: "create", id: "vpc-1", durationMs: 1_234 },
      { event: "fail", name: "subnet", action: "create", durationMs: 1_234 },
      { event: "message", text: "a\nb" },
      { event: "message", text: "c" },
      { event: "state", serial: 7, raw: "{}\n" },
    ],
  );
});
