import assert from "node:assert/strict";
import { describe, it } from "node:test";
import dockerignore from "@balena/dockerignore";
import { array, assert as assertAlways, constantFrom, property } from "fast-check";
import { readIgnoreRules } from "../../lib/docker/ignore-rules.ts";

const ignores = (rules: string, path: string) => readIgnoreRules(rules).ignores(path);

describe("the rules of .dockerignore", () => {
  it("are read as another implementation reads them, as far as that one gets", () => {
    const pieces = constantFrom("a", "b", "c.d", "*", "?", "**", "/", "!", "[ab]", ".", "a/", "/b");
    const rule = array(pieces, { maxLength: 6 }).map((parts) => parts.join(""));
    const rules = array(rule, { maxLength: 4 }).map((lines) => lines.join("\n"));
    const name = array(constantFrom("a", "b", "c.d"), { minLength: 1, maxLength: 2 }).map((parts) =>
      parts.join(""),
    );
    // Where ** is part of a longer name, that implementation looks at one folder above and not at all of them.
    const isWhole = (text: string) => !/[^/!\n]\*\*|\*\*[^/\n]/.test(text);
    const path = array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
    assertAlways(
      property(rules.filter(isWhole), path, (text, file) => {
        const other = dockerignore.default({ ignorecase: false }).add(text);
        assert.equal(ignores(text, file), other.ignores(file));
      }),
      { numRuns: 3000 },
    );
  });

  it("know no regular expressions", () => {
    assert.equal(ignores("a(1).txt\n", "a(1).txt"), true);
    assert.equal(ignores("(a|b)+\n", "a"), false);
    assert.equal(ignores("(\n[\n+\n", "a"), false);
    assert.equal(ignores("a\\*b", "a*b"), true);
    assert.equal(ignores("a\\*b", "axb"), false);
    assert.equal(ignores("a[^b-d]", "ae"), true);
    assert.equal(ignores("a[^b-d]", "ac"), false);
  });

  it("leave out names that JavaScript knows something of", () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      assert.equal(ignores(name, name), true);
      assert.equal(ignores("other", name), false);
    }
  });

  it("come to an end for a rule that can be read in more ways than there are atoms", () => {
    assert.equal(ignores(`${"*a".repeat(100)}b`, "a".repeat(255)), false);
    assert.equal(ignores(`${"**/".repeat(100)}b`, "a/".repeat(1000)), false);
  });
});

describe("a line of .dockerignore", () => {
  const table: readonly (readonly [rules: string, path: string, isLeftOut: boolean])[] = [
    ["  a  ", "a", true],
    ["#a", "#a", false],
    [" #a", "#a", true],
    ["a#", "a#", true],
    ["a!", "a!", true],
    ["", "a", false],
    ["   ", "a", false],
    ["a\n! a ", "a", false],
    ["/a", "a", true],
    ["/", "a", false],
    ["a\n/!a", "a", false],
    ["!", "a", false],
    ["a\n!", "a", true],
    ["**/b", "a/b", true],
    ["**b", "a/b", true],
    ["a**", "a/b", true],
    [String.raw`[\a-c]`, "b", true],
    [String.raw`[a\-c]`, "-", true],
    [String.raw`[a\-c]`, "b", false],
    [String.raw`[\]]`, "]", true],
    [String.raw`[\\]`, "\\", true],
    ["?", "/", false],
    ["a?c", "a/c", false],
  ];
  for (const [rules, path, isLeftOut] of table)
    it(`${JSON.stringify(rules)} ${isLeftOut ? "leaves out" : "keeps"} ${path}`, () => {
      assert.equal(ignores(rules, path), isLeftOut);
    });
});
