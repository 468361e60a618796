import { posix } from "node:path";

/** The rules of a `.dockerignore`. */
export interface IgnoreRules {
  /** Whether the last rule that fits the path, or a folder that it is in, leaves it out. */
  ignores(path: string): boolean;
  /** With a rule like `!keep.txt` a folder that is left out may still hold something that isn't. */
  readonly mayReinclude: boolean;
}

/**
 * Reads rules as an engine does: https://docs.docker.com/build/concepts/context/#dockerignore-files. Compared in time that
 * grows with the rule and the path alone: rules come with the source, and a source may be anybody's.
 */
export function readIgnoreRules(text: string): IgnoreRules {
  const rules = text.split(/\r?\n/).flatMap(readRule);
  return {
    mayReinclude: rules.some(({ keeps }) => keeps),
    ignores: (path) => rules.findLast(({ tokens }) => fits(tokens, path))?.keeps === false,
  };
}

interface Rule {
  /** Written with `!`: what fits stays. */
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
  // An engine looks for the mark again when it has taken the slash away.
  const keeps = isKept || relative.startsWith("!");
  const rest = isKept || !keeps ? relative : relative.slice(1);
  return rest === "" ? [] : [{ keeps, tokens: tokensOf(rest) }];
}

// A class, an escaped character, the three wildcards, or a character that stands for itself.
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

/** All places in the pattern at which one may be are followed at once, so nothing is ever tried twice. */
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

/** A half is within a folder that `folders` is taking in: one can't go on from there before its slash. */
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

/** The places, and those after them that are reached without a character. */
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
