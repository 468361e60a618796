import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createTextReport as createSmokeText } from "../../compose/report.ts";
import { BerthError } from "../../lib/errors.ts";
import { createJsonReport } from "../../lib/report/json-report.ts";
import { type Report, Tally } from "../../lib/report/report.ts";
import type { Screens } from "../../lib/report/terminal.ts";
import { createTextReport } from "../../lib/report/text-report.ts";
import { assertHarmless, assertUnforged, payloads } from "./payloads.ts";
import { sampleHead } from "./sample-head.ts";

function openScreens({ isTTY = false } = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream, { isTTY, columns: 80 }),
  );
  assert.ok(stdout && stderr);
  const read = () => [stdout, stderr].map((stream) => String(stream.read() ?? "")).join("");
  return { screens: { stdout, stderr } satisfies Screens, read };
}

/** Everything that a report can be told, with the text in every place. */
function tellAll(report: Report, text: string): void {
  report.message(text);
  report.message([text, text]);
  report.data("data", { [text]: text }, [text, text]);
  const difference = { field: text, desired: text, observed: text, action: "replace", reason: text } as const;
  const step = { name: text, kind: text, action: "replace", differences: [difference] } as const;
  const steps = [{ ...step, because: text, consequence: text, attributes: [{ field: text, value: text }] }];
  const superseded = [{ name: text, kind: text, generation: 1, id: text }];
  const warnings = [{ code: text, message: text, hint: text }];
  const texts = { account: text, accountAlias: text, caller: text, region: text, stack: text, image: text };
  const more = { instanceType: text, machineImage: text, ingress: [text], commit: text, uncommitted: [text] };
  const head = { ...sampleHead, ...texts, ...more, cost: { text } };
  report.announce("removal", { [text]: text }, [text, text]);
  report.plan({ head, warnings, steps, superseded }, true);
  report.plan({ head, warnings, steps, superseded }, false);
  report.plan({ head, warnings, steps: [], superseded: [] }, false);
  report.begin(text, "create")(text);
  report.end(text, text, text);
  report.begin(text, text)(text);
  report.fail(text, text);
  report.error(
    new BerthError({ code: text, message: text, hint: text, resource: text, detail: [text, text] }),
  );
  const changes = { created: 0, updated: 0, replaced: 0, removed: 0 };
  const calls = { read: 0, write: 0 };
  report.summary({ command: text, outcome: "done", changes, calls, url: text, durationMs: 1 });
  report.close();
}

for (const [what, text] of Object.entries(payloads)) {
  test(`what ${what} stays text, in every place of the text report`, () => {
    for (const isTTY of [false, true]) {
      const { screens, read } = openScreens({ isTTY });
      tellAll(createTextReport(new Tally(), screens), text);
      const output = read();
      assertHarmless(output, { onTerminal: isTTY });
      assertUnforged(output);
    }
  });

  test(`what ${what} is escaped in events, and is itself again when they are read`, () => {
    const { screens, read } = openScreens();
    tellAll(createJsonReport(new Tally(), screens), text);
    const output = read();
    assertHarmless(output);
    const events = output
      .trimEnd()
      .split("\n")
      .map((row): unknown => JSON.parse(row));
    assert.deepEqual(events[0], { event: "message", text });
    assert.deepEqual(events[2], { event: "data", [text]: text });
  });

  test(`what ${what} stays text in the smoke test's report`, () => {
    const { screens, read } = openScreens();
    const report = createSmokeText(screens);
    report.step(text);
    report.check({ between: text, name: text, outcome: "failed", seen: text, durationMs: 1 });
    report.error(new BerthError({ code: text, message: text, hint: text, detail: [text] }));
    const counts = { passed: 0, failed: 1, skipped: 0, durationMs: 1 };
    report.summary({ outcome: "failed", project: text, compose: text, ...counts });
    const output = read();
    assertHarmless(output);
    assertUnforged(output);
  });
}

test("a stored text is printed whole, as JSON that means the same", () => {
  const stored = JSON.stringify({ by: "\u009B2J\u202E", long: "x".repeat(100_000) }, undefined, 2);
  const { screens, read } = openScreens();

  createTextReport(new Tally(), screens).raw("state", {}, `${stored}\n`);

  const output = read();
  assertHarmless(output);
  assert.deepEqual(JSON.parse(output), JSON.parse(stored));
});

test("a line of a megabyte is cut, with how much of it is missing", () => {
  const { screens, read } = openScreens();

  createTextReport(new Tally(), screens).message("x".repeat(1_000_000));

  const output = read();
  assert.equal(output.split("\n").length, 2);
  assert.match(output, /^x{4000}… \(996000 more characters\)\n$/);
});

test("of 300,000 lines the first and the last are printed, for people and for machines", () => {
  const detail = Array.from({ length: 300_000 }, (_none, index) => `line ${index}`);
  const error = new BerthError({ code: "Any", message: "any", detail });
  const [forPeople, forMachines] = [openScreens(), openScreens()];

  createTextReport(new Tally(), forPeople.screens).error(error);
  createJsonReport(new Tally(), forMachines.screens).error(error);

  const text = forPeople.read();
  assert.match(text, /^ {2}\| line 0\n[\s\S]*line 49\n {2}\| … 299900 lines left out\n[\s\S]*line 299999\n/);
  assert.equal(text.split("\n").length, 101 + 2);
  assert.equal(forMachines.read().match(/line \d/g)?.length, 100);
});

test("what a log splits by form feeds and their kind is one line of it", () => {
  const { screens, read } = openScreens();
  const detail = ["a\fb\vc\u0085d\u2028e\u2029f\rg".repeat(10_000)];

  createTextReport(new Tally(), screens).error(new BerthError({ code: "Any", message: "any", detail }));

  assert.equal(read().split("\n").length, 3);
});

test("only the colours are ours on a terminal, and none are sent elsewhere", () => {
  const forged = "\u001B[31mred\u001B[0m";
  const [terminal, pipe] = [openScreens({ isTTY: true }), openScreens()];

  for (const { screens } of [terminal, pipe])
    createTextReport(new Tally(), screens).end("vpc", "create", forged);

  const seen = terminal.read();
  assert.ok(seen.startsWith("  \u001B[32m+\u001B[39m vpc"), seen);
  assert.ok(seen.includes(String.raw`\u001b[31mred\u001b[0m`), seen);
  assert.match(pipe.read(), /^ {2}\+ vpc {16}created {2}\\u001b\[31mred\\u001b\[0m/);
});
