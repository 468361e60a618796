import { posix } from "node:path";

/** The rules of a `.dockerignore`. */
export interface IgnoreRules {
  /** Whether the last rule that matches the path, or one of its parent folders, excludes the path. */
  ignores(path: string): boolean;
  /** True when there is a rule like `!keep.txt`: an excluded folder may then still contain an included file. */
  readonly mayReinclude: boolean;
}

/**
 * Reads rules as an engine does: https://docs.docker.com/build/concepts/context/#dockerignore-files. Matching time is
 * bounded by the length of the rule and the path, because rules come with the source, which may be a stranger's.
 */
export function readIgnoreRules(text: string): IgnoreRules {
  const rules = text.split(/\r?\n/).flatMap(readRule);
  return {
    mayReinclude: rules.some(({ keeps }) => keeps),
    ignores: (path) => rules.findLast(({ tokens }) => fits(tokens, path))?.keeps === false,
  };
}

interface Rule {
  /** True for a rule with `!`: what matches is included. */
  readonly keeps: boolean;
  readonly tokens: readonly Token[];
}

/** `one`: a character. `some`: any number within a name. `folders`: none, or whole folders. `rest`: all that is left. */
type Token =
  | { readonly kind: "one"; readonly takes: (character: string) => boolean }
  | { readonly kind: "some" | "folders" | "rest" };

function readRule(line: string): Rule[] {
  const text = line.trim();
  if (text === "" || line.startsWith("#")) return [];
  const isKept = text.startsWith("!");
  const pattern = posix.normalize(isKept ? text.slice(1).trim() : text).replace(/(?<=.)\/$/, "");
  const relative = pattern.length > 1 ? pattern.replace(/^\//, "") : pattern;
  // An engine looks for the `!` again after it has removed the leading slash.
  const keeps = isKept || relative.startsWith("!");
  const rest = isKept || !keeps ? relative : relative.slice(1);
  return rest === "" ? [] : [{ keeps, tokens: tokensOf(rest) }];
}

// A character class, an escaped character, one of the three wildcards, or a literal character.
const piece = /\[(\^?)((?:\\.|[^\]\\]){1,255})\]|\\(.)|\*\*(\/?)|\*|\?|[^]/gu;

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(piece)].map((match): Token => {
    const [all, not, members, escaped, slash] = match;
    if (members !== undefined) return one(memberOf(members, not === "^"));
    if (escaped !== undefined) return one((character) => character === escaped);
    if (slash !== undefined)
      return { kind: match.index + all.length === pattern.length ? "rest" : "folders" };
    if (all === "*") return { kind: "some" };
    if (all === "?") return one((character) => character !== "/");
    return one((character) => character === all);
  });
}

const one = (takes: (character: string) => boolean): Token => ({ kind: "one", takes });

/** Of `a-z_` and the like. */
function memberOf(members: string, not: boolean): (character: string) => boolean {
  const ranges = [...members.matchAll(/(\\.|[^])(?:-(\\.|[^]))?/gu)].map(([, from = "", to = from]) =>
    [from, to].map((character) => character.replace(/^\\(?=.)/su, "")),
  );
  return (character) => ranges.some(([from = "", to = ""]) => from <= character && character <= to) !== not;
}

/** Follows all possible positions in the pattern at once, so matching never backtracks. */
function fits(tokens: readonly Token[], path: string): boolean {
  let places = reach(tokens, [0]);
  for (const character of path) {
    if (character === "/" && places.has(tokens.length)) return true;
    places = reach(
      tokens,
      [...places].flatMap((place) => stepsFrom(place, tokens, character)),
    );
  }
  return places.has(tokens.length);
}

/** A position with a half is inside a folder that `folders` is consuming. Matching can't leave it before the next slash. */
const within = 0.5;

function stepsFrom(place: number, tokens: readonly Token[], character: string): number[] {
  const at = Math.floor(place);
  const token = tokens[at];
  if (token === undefined) return [];
  if (token.kind === "one") return token.takes(character) ? [at + 1] : [];
  if (token.kind === "some") return character === "/" ? [] : [at];
  if (token.kind === "rest") return [at];
  return character === "/" ? [at + within, at + 1] : [at + within];
}

/** The positions, and those after them that can be reached without consuming a character. */
function reach(tokens: readonly Token[], places: readonly number[]): Set<number> {
  const reached = new Set<number>();
  for (let place of places) {
    while (!reached.has(place)) {
      reached.add(place);
      if (isSkippable(tokens[place])) place += 1;
    }
  }
  return reached;
}

const isSkippable = (token: Token | undefined): boolean => token !== undefined && token.kind !== "one";
