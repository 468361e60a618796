import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boundLines, Line, line } from "../../lib/report/line.ts";
import { planLines } from "../../lib/report/plan-lines.ts";
import { Tally } from "../../lib/report/report.ts";
import { paintFor, printNote, printText } from "../../lib/report/terminal.ts";
import { createTextReport } from "../../lib/report/text-report.ts";
import { BerthError } from "../../lib/errors.ts";
import { FakeScreen } from "./screen.ts";
import { sampleHead } from "./sample-head.ts";

describe("a line", () => {
  it("takes a break, with the blanks after it, for one blank", () => {
    for (const lineBreak of ["\n", "\r", "\v", "\f", "\u0085", "\u2028", "\u2029", "\n\n", "\r\n    "])
      assert.equal(line`<${`a${lineBreak}b`}>`.toString(), "<a b>", JSON.stringify(lineBreak));
    assert.equal(line`${"V\tS"}`.toString(), "V    S");
  });

  it("is whole to 4000 characters, and cut from the next", () => {
    assert.equal(line`${"x".repeat(4000)}`.toString(), "x".repeat(4000));
    assert.equal(line`${"x".repeat(4001)}`.toString(), `${"x".repeat(4000)}… (1 more characters)`);
  });

  it("of a text that isn't cut ends by a line feed, and loses a carriage return there alone", () => {
    assert.deepEqual(Line.split("a\r\nb\rc\n\td").map(String), ["a", String.raw`b\u000dc`, "  d"]);
  });
});

it("a hundred lines are all told, and of one more two are left out", () => {
  const rows = (count: number) => Array.from({ length: count }, (_none, index) => `${index}`);

  assert.deepEqual(boundLines(rows(100)), rows(100));
  assert.deepEqual(boundLines(rows(101)), [...rows(50), "… 1 lines left out", ...rows(101).slice(-50)]);
});

describe("a plan for people", () => {
  const paint = paintFor(new FakeScreen({ isTTY: false }));
  const step = { name: "vpc", kind: "vpc", action: "update" } as const;
  const shown = (text: string) => {
    const differences = [{ field: "tag", desired: text, observed: "x", action: "update" }] as const;
    return planLines(
      { steps: [{ ...step, differences }], superseded: [], warnings: [], head: sampleHead },
      paint,
    )
      .map(String)
      .at(-2);
  };

  it("is not nothing when there is only something to do, or only something left to remove", () => {
    const superseded = [{ name: "subnet", kind: "subnet", generation: 1, id: "subnet-0" }];

    assert.deepEqual(
      planLines(
        { steps: [{ ...step, differences: [] }], superseded: [], warnings: [], head: sampleHead },
        paint,
      )
        .map(String)
        .slice(-2),
      ["  ~ vpc                update", "0 to create, 1 to update, 0 to replace, 0 to remove"],
    );
    assert.deepEqual(
      planLines({ steps: [], superseded, warnings: [], head: sampleHead }, paint).map(String).slice(-2),
      [
        "  - subnet subnet-0: replaced earlier, to be removed",
        "0 to create, 0 to update, 0 to replace, 1 to remove",
      ],
    );
  });

  it("has long values shortened in their middle", () => {
    const [start, end] = ["a".repeat(60), "z".repeat(20)];

    assert.equal(shown(`${start}0123456789${end}`), `      tag: x -> ${start}0123456789${end}`);
    assert.equal(shown(`${start}01234567890${end}`), `      tag: x -> ${start}…${end}`);
  });
});

it("an error without a resource or a hint is told without them", () => {
  const stderr = new FakeScreen({ isTTY: false });

  createTextReport(new Tally(), { stdout: stderr, stderr }).error(
    new BerthError({ code: "Any", message: "any" }),
  );

  assert.deepEqual(stderr.shown, ["error Any: any"]);
});

it("a help is data, a note is not, and both are printed without what a terminal would obey", (t) => {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    t.mock.method(process[name], "write", (text: string) => {
      written[name] += text;
      return true;
    });

  printText("a\n\nb\u001B[2J\n");
  printNote("c\nd\u001B[2J");

  t.mock.restoreAll();
  assert.deepEqual(written, {
    stdout: "a\n\nb\\u001b[2J\n",
    stderr: "c d\\u001b[2J\n",
  });
});
