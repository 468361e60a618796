import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { appLine, releaseFigures, releaseLines, rolloutOf, sumFigures } from "../../lib/release/figures.ts";
import { type HostReport, parseHostReport } from "../../lib/release/reports.ts";
import { at, published } from "./releases.ts";

const report = (release: number, upstream?: HostReport["upstream"]): HostReport => ({
  instance: "i-1",
  release,
  status: "serving",
  at,
  ...(upstream === undefined ? {} : { upstream }),
});

describe("the figures of a release", () => {
  it("say nothing of what the configuration holds", () => {
    assert.deepEqual(releaseFigures({ ...published, commit: "abc" }), {
      number: 4,
      image: "registry/app@sha256:1",
      commit: "abc",
      at,
      by: "ann",
    });
  });

  it("are read by people with the beginnings of what is long", () => {
    const image = `registry/app@sha256:${"1234567890abcdef".repeat(4)}`;
    const lines = releaseLines({ ...published, image, commit: "0a29b2f".repeat(6) });

    assert.deepEqual(lines, [
      "release     4",
      "published   2026-11-21 10:00 UTC by ann",
      "image       1234567890ab",
      "commit      0a29b2f0a29b",
    ]);
    assert.deepEqual(releaseLines(undefined), ["release     none"]);
    assert.match(releaseLines(published).join("\n"), /^commit +unknown: the source is in no repository$/m);
  });
});

describe("what has become of a release", () => {
  const news = (fields: object) =>
    parseHostReport(JSON.stringify({ release: 4, status: "serving", serves: 4, at, ...fields }), "i-1")
      .report;
  const line = (fields: object | undefined) =>
    releaseLines(published, rolloutOf(4, fields && news(fields)))[0];

  it("is said of the release that was published last, beside what serves", () => {
    assert.equal(line({}), "release     4 serves");
    assert.equal(line({ status: "failed", serves: 2 }), "release     4 failed; 2 serves");
    assert.equal(line({ status: "failed", serves: undefined }), "release     4 failed; nothing serves");
    assert.equal(line({ status: "starting", serves: 3 }), "release     4 is starting; 3 serves");
    assert.equal(line({ status: "starting" }), "release     4 is starting; it serves");
    const unheard = "release     4 is published; the host has said nothing of it yet; ";
    assert.equal(line({ release: 3, serves: 3 }), `${unheard}3 serves`);
    assert.equal(line(undefined), `${unheard}nothing serves`);
  });

  it("has the host's time", () => {
    assert.deepEqual(rolloutOf(4, news({})), { status: "serving", serves: 4, at });
    assert.deepEqual(rolloutOf(4, undefined), { status: "waiting" });
  });

  it("names who published it as people know them", () => {
    const by = "arn:aws:sts::123456789012:assumed-role/ci/run-7";
    assert.match(releaseLines({ ...published, by })[1] ?? "", / by assumed-role\/ci\/run-7$/);
    assert.match(releaseLines({ ...published, at: "soon" })[1] ?? "", /^published {3}soon by /);
  });
});

describe("the counters of the app", () => {
  it("say how old they are, and have the end of the log if tries failed", () => {
    const told = (then: string) => ({
      ...report(4, { tries: 10, errors: 1, at: then }),
      log: ["app-4-0: no"],
    });
    const sum = sumFigures(4, [told("2026-11-21T10:05:00Z"), told("2026-11-21T10:00:00Z")]);

    assert.deepEqual(sum, {
      tries: 20,
      errors: 2,
      at: "2026-11-21T10:00:00Z",
      log: ["app-4-0: no", "app-4-0: no"],
    });
    const age = (seconds: number) => appLine(sum, Date.parse(at) + seconds * 1000).split("; ")[1];
    assert.equal(age(30), "counted 30 s ago");
    assert.equal(age(600), "counted 10 min ago");
    assert.equal(age(-5), "counted 0 s ago");
    assert.equal(age(90_000), "counted 25 h ago");
  });

  it("are the sum of what all hosts tell of this very release", () => {
    const reports = [report(4, { tries: 10, errors: 1 }), report(4, { tries: 5, errors: 2 }), report(4)];

    assert.deepEqual(sumFigures(4, reports), { tries: 15, errors: 3 });
    assert.equal(appLine({ tries: 0, errors: 0 }, 0), "app         no request yet");
    assert.equal(
      appLine({ tries: 0, errors: 0, failures: { cut: 1 } }, 0),
      "app         no request yet; the edge's own answers: 1 cut",
    );
    assert.equal(appLine(sumFigures(4, reports), 0), "app         3 of 15 tries failed");
  });

  it("name what the edge answered itself, where it did", () => {
    const told = (failures: Record<string, number>) => report(4, { tries: 10, errors: 1, failures });
    const sum = sumFigures(4, [told({ late: 2, cut: 1 }), told({ late: 3, constructor: 1 })]);

    assert.deepEqual(sum, { tries: 20, errors: 2, failures: { late: 5, cut: 1, constructor: 1 } });
    assert.equal(
      appLine(sum, 0),
      "app         2 of 20 tries failed; the edge's own answers: 5 late, 1 cut, 1 constructor",
    );
  });

  it("are no report where a failure's name is none, or where there are more than an edge knows", () => {
    const parse = (failures: object) =>
      parseHostReport(
        JSON.stringify({ release: 4, status: "serving", at, upstream: { tries: 1, errors: 1, failures } }),
        "i-1",
      );
    const kinds = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `a${String.fromCharCode(97 + (index % 26))}${"b".repeat(index / 26)}`,
          1,
        ]),
      );

    assert.deepEqual(parse({ late: 1 }).report?.upstream?.failures, { late: 1 });
    for (const failures of [{ "a b": 1 }, { "\u001b": 1 }, { late: -1 }, { ["x".repeat(17)]: 1 }])
      assert.notEqual(parse(failures).problem, undefined);
    assert.equal(parse(kinds(32)).problem, undefined);
    assert.notEqual(parse(kinds(33)).problem, undefined);
  });

  it("aren't zero but absent as long as no host has told of this release", () => {
    assert.equal(sumFigures(4, [report(4), report(3, { tries: 10, errors: 1 })]), undefined);
    assert.equal(appLine(undefined, 0), "app         not counted yet");
  });
});
