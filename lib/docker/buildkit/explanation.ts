import { buildKitFeatures, syntaxOf } from "../dockerfile.ts";

/**
 * What to do about a build that failed before the first instruction, where the Dockerfile asks for more than the engine's
 * own BuildKit has.
 */
export function explain(recipe: string, engineVersion: string): string | undefined {
  const newer = buildKitFeatures(recipe).filter(({ since }) => isOlder(engineVersion, since));
  const list = newer.map(({ line, name, since }) => `line ${line} ${name} (Docker ${since})`).join(", ");
  const syntax = syntaxOf(recipe);
  if (syntax !== undefined) {
    const without = list === "" ? "" : `, which doesn't know ${list}`;
    return `the line "# syntax=${syntax}" has the engine load its builder from a registry. Let it reach that registry, or remove the line: then the engine's own builder is used${without}`;
  }
  if (list === "") return undefined;
  return `the builder of this engine (${engineVersion}) doesn't know ${list}. Update the engine, or put "# syntax=docker/dockerfile:1" into the first line, so that it loads a newer builder from a registry`;
}

function isOlder(version: string, than: string): boolean {
  const [one = [], other = []] = [version, than].map((text) => text.split(/[.+-]/).map(Number));
  const [major = 0, minor = 0] = one;
  const [thanMajor = 0, thanMinor = 0] = other;
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
