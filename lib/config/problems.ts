import { closest, distance } from "fastest-levenshtein";
import { isScalar } from "yaml";
import type { z } from "zod";
import { BerthError, exitCodes } from "../errors.ts";
import { printable } from "../printable.ts";
import { findEntry, type Path, place, placeOf, type Source, targetOf, textOf } from "./source.ts";
import { parentMeant } from "./indentation.ts";
import { noteOn, placeOfOther } from "./other-names.ts";
import { keysAt, pathsOf, typesAt } from "./types.ts";
import { howToWrite } from "./written-shape.ts";

export interface Problem {
  /** `berth.yaml:4:3` */
  readonly where: string;
  /** `app.source` */
  readonly path: string;
  readonly message: string;
}

export const problemAt = (offset: number | undefined, source: Source, message: string): Problem => ({
  where: placeOf(offset ?? 0, source),
  path: "",
  message,
});

/** Turns every schema issue into a problem with its place in the file. Each unknown key is a problem of its own. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  source: Source,
): Problem[] {
  const problem = (path: Path, message: string): Problem => ({
    where: place(path, source),
    path: path.join("."),
    message,
  });
  const places = pathsOf(schema);
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(schema, issue.path);
      const { path } = issue;
      return issue.keys.map((key) =>
        problem(
          [...path, key],
          parentMeant([...path, key], schema, source) ?? unknownKey(key, known, places),
        ),
      );
    }
    if (issue.input === null) return [problem(issue.path, noValue(issue.path, schema, source))];
    const better = issue.code === "invalid_type" ? howToWrite(issue.path, schema, source) : undefined;
    return [problem(issue.path, [describe(issue), better].filter((one) => one !== undefined).join("; "))];
  });
}

/** What to write instead of nothing: quotes where an empty text would do. */
function noValue(path: Path, schema: z.ZodType, source: Source): string {
  const node = targetOf(findEntry(path, source)?.value, source);
  const word = isScalar(node) ? textOf(node) : "";
  const name = String(path.at(-1));
  const nothing = word === "" ? "no value" : `${word} means no value in YAML`;
  const isEmptyTaken = typesAt(schema, path).some((type) => type.safeParse("").success);
  if (!isEmptyTaken) return `${nothing}; write one, or remove the line`;
  const quoted = word === "" ? "" : `${name}: "${word}" for the word, `;
  return `${nothing}; write ${quoted}${name}: "" for an empty text, or remove the line`;
}

/** Zod's words for types, where a user of YAML knows others. */
const expectedWords: Readonly<Record<string, string>> = {
  int: "whole number",
  boolean: "true or false",
  string: "text",
  array: "list",
  object: "map",
  record: 'map such as "NAME: value"',
};

/** What to write for a key that every file needs. */
const missingLines: Readonly<Record<string, string>> = {
  stack: "stack: hello",
  region: "region: eu-central-1",
  app: "app: {source: ., port: 8080}",
  "app.source": "source: .",
};

const units: Readonly<Record<string, string>> = { string: " characters", array: " entries" };

/** For Zod: words for bounds that have none of their own in the schema. */
export function describeBound(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== "too_small" && issue.code !== "too_big") return undefined;
  const [most, bound] = issue.code === "too_big" ? ["most", issue.maximum] : ["least", issue.minimum];
  const unit = units[issue.origin] ?? "";
  return bound === 1 && issue.code === "too_small" && unit !== ""
    ? "it is empty"
    : `use at ${most} ${bound}${unit}`;
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") {
    const expected = `${expectedWords[issue.expected] ?? issue.expected} expected`;
    if (issue.input !== undefined) return expected;
    const line = missingLines[issue.path.join(".")];
    return line === undefined ? `missing: ${expected}` : `missing; write for example ${line}`;
  }
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.code === "invalid_value") return `expected one of: ${issue.values.join(", ")}`;
  return issue.message;
}

function unknownKey(key: string, known: readonly string[], places: readonly string[]): string {
  const note = noteOn(key);
  if (note !== undefined) return `unknown key; ${note}`;
  const near = known.length > 0 ? closest(key, [...known]) : undefined;
  const isSlip = near !== undefined && distance(key.toLowerCase(), near.toLowerCase()) <= 1;
  const here = isSlip ? undefined : placeOfOther(key, places);
  if (here !== undefined) return `unknown key; ${here}`;
  if (near !== undefined && isLike(key, near)) return `unknown key; did you mean "${near}"?`;
  return `unknown key${known.length > 0 ? `; known here: ${known.join(", ")}` : ""}`;
}

/** Whether one is likely to be a slip of the other: of short words, few letters may differ. */
function isLike(one: string, other: string): boolean {
  const changes = distance(one.toLowerCase(), other.toLowerCase());
  return changes <= 3 && changes * 2 <= Math.max(one.length, other.length);
}

export function badConfiguration(shown: string, problems: readonly Problem[]): BerthError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new BerthError({
    code: "BadConfiguration",
    message: `${count} in ${shown}; nothing was called`,
    detail: problems.toSorted(byLine).map(({ where, path, message }) => {
      const about = path === "" ? "" : `${printable(path)}: `;
      return `${where}  ${about}${printable(message, 400)}`;
    }),
    hint: "fix the lines above; docs/configuration.md lists every key",
    exitCode: exitCodes.badInput,
  });
}

const byLine = (one: Problem, other: Problem): number =>
  one.where.localeCompare(other.where, "en", { numeric: true });
