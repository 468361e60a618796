import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import { Line, line } from "../../lib/report/line.ts";
import { shortenNames } from "../../lib/report/short-names.ts";
import { printWrapped } from "../../lib/report/terminal.ts";
import { wrap } from "../../lib/report/wrap.ts";
import { FakeScreen } from "./screen.ts";

describe("a line that is longer than the terminal is wide", () => {
  it("is broken at spaces, under the text behind its label", () => {
    assert.deepEqual(wrap("hint  one two three four", 14), ["hint  one two", "      three", "      four"]);
    assert.deepEqual(wrap("  one two three", 9), ["  one two", "    three"]);
    assert.deepEqual(wrap("one two", 7), ["one two"]);
    assert.deepEqual(wrap("one two", 6), ["one", "  two"]);
  });

  it("keeps the spaces between columns, and a word that is too long", () => {
    assert.deepEqual(wrap("a    b  cc", 8, 5), ["a    b", "     cc"]);
    assert.deepEqual(wrap("see http://0123456789/ there", 12), ["see", "  http://0123456789/", "  there"]);
    assert.deepEqual(wrap("0123456789", 4), ["0123456789"]);
  });

  it("doesn't count colours", () => {
    const colors = pc.createColors(true);
    const rows = line`${Line.paint(colors.red, "one")} ${Line.paint(colors.dim, "two three")}`.wrap(9);

    assert.deepEqual(
      rows.map((row) => stripVTControlCharacters(row.toString())),
      ["one two", "  three"],
    );
  });

  it("is broken on a terminal only: elsewhere a program may read it", () => {
    const [terminal, pipe] = [new FakeScreen({ columns: 10 }), new FakeScreen({ isTTY: false, columns: 10 })];

    for (const screen of [terminal, pipe]) printWrapped(screen, line`one two three`);

    assert.deepEqual([terminal.shown, pipe.shown], [["one two", "  three"], ["one two three"]]);
  });
});

describe("a name for people", () => {
  const digest = "993f".repeat(16);

  it("has 12 digits of a hash, and no registry", () => {
    for (const host of ["dkr.ecr.eu-central-1.amazonaws.com", "dkr.ecr.cn-north-1.amazonaws.com.cn"])
      assert.equal(
        shortenNames(`123456789012.${host}/berth/hello@sha256:${digest}`),
        "berth/hello@sha256:993f993f993f",
      );
    assert.equal(shortenNames(`sha256 ${digest}, and on`), "sha256 993f993f993f, and on");
    assert.equal(shortenNames("vpc-0123456789abcdef0"), "vpc-0123456789abcdef0");
  });
});
