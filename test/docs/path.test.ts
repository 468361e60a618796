import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countWords, matches, paragraphs, read, section } from "./tree.ts";

// The way of somebody who sees Berth for the first time and has to judge it.
describe("a newcomer's path", () => {
  it("begins with a first screen: the clone, a session, and one picture", async () => {
    const [first = ""] = (await read("README.md")).split("\n## ");
    const order = ["git clone ", "npm run demo", "npx berth up --local --yes", "](docs/architecture.svg)"];
    assert.deepEqual(
      order.toSorted((one, other) => first.indexOf(one) - first.indexOf(other)),
      order,
    );
    for (const part of order) assert.ok(first.includes(part), part);
    assert.match(first.split("```")[0] ?? "", /It is for /);
  });

  it("has a picture whose labels can be read on a phone", async () => {
    const picture = await read("docs/architecture.svg");
    const [width] = matches(picture, /<svg [^>]*\bwidth="(\d+)"/g).map(Number);
    const smallest = Math.min(...matches(picture, /font-size: (\d+)px/g).map(Number));
    // 328 points are what a page leaves of the 360 of a small phone.
    const shown = (smallest * 328) / (width ?? 0);
    assert.ok(shown >= 10, `${shown} points`);
  });

  it("goes on in the runbook: clone, caller, region, plan, up", async () => {
    const start = section(await read("RUNBOOK.md"), "Start");
    const order = [
      "git clone ",
      "aws sts get-caller-identity",
      "Choose a region",
      "npx berth plan",
      "npx berth up",
    ];
    const places = order.map((part) => start.indexOf(part));
    assert.ok(!places.includes(-1), String(places));
    assert.deepEqual(
      places,
      places.toSorted((one, other) => one - other),
    );
  });

  it("tells in about 500 words how an app is operated, each paragraph with its proofs", async () => {
    const page = await read("docs/operations.md");
    const words = countWords(page);
    assert.ok(words >= 450 && words <= 550, `${words} words`);

    const [, ...parts] = page.split("\n## ");
    const told = parts.flatMap(paragraphs).filter((one) => !one.startsWith("|"));
    assert.ok(told.length >= 7, `${told.length} paragraphs`);
    for (const one of told)
      assert.match(one, /\(\[[^\]]+\]\(\.\.\/[^)]+\)(?:, \[[^\]]+\]\(\.\.\/[^)]+\))*\)$/);
  });

  it("has in the runbook the steps of all that is done by hand", async () => {
    const [, table = ""] = (await read("docs/operations.md")).split("| by hand today |");
    const byHand = matches(table, /^\| ([^|-]+\|[^|]+)\|/gm);
    assert.ok(byHand.length >= 5);
    for (const row of byHand) assert.match(row, /\]\(\.\.\/RUNBOOK\.md#/);
  });
});

describe("the page of the cluster", () => {
  it("tells the decisions and challenges in about 500 words before it goes into details", async () => {
    const [opening = ""] = (await read("docs/cluster.md")).split("\n## What changed in the settings\n");
    const words = countWords(opening);
    assert.ok(words >= 450 && words <= 550, `${words} words`);
    assert.match(opening, /\n## Decisions and challenges\n/);
  });

  it("shows as added what the settings contain, and as removed what they don't", async () => {
    const settings = (await read("dockerfiles/django/site_settings/settings.py")).split("\n");
    const [diff = ""] = matches(await read("docs/cluster.md"), /```diff\n([^`]+)```/g);
    const marked = (mark: string) =>
      diff.split("\n").flatMap((line) => (line.startsWith(mark) ? [line.slice(1)] : []));
    const [removed, added, kept] = ["-", "+", " "].map(marked);
    assert.ok((removed?.length ?? 0) > 5 && (added?.length ?? 0) > 20);
    assert.deepEqual(
      [...(added ?? []), ...(kept ?? [])].filter((line) => !settings.includes(line)),
      [],
    );
    assert.deepEqual(
      removed?.filter((line) => /\w/.test(line) && settings.includes(line)),
      [],
    );
  });
});
