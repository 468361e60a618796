import { declaredArgs } from "./dockerfile.ts";
import type { Source } from "./source.ts";

/** Those that the Dockerfile declares with ARG: a builder warns about others, or fails. */
export function onlyDeclared(
  { recipe }: Source,
  values: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const declared = declaredArgs(recipe);
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) if (value && declared.has(name)) found[name] = value;
  return found;
}

/** The user's settings for Go. Where modules come from isn't part of the hash, because go.sum fixes their content. */
export function moduleArguments(source: Source): Record<string, string> {
  const { GOPROXY, GOSUMDB, GONOSUMDB, GOPRIVATE } = process.env;
  return onlyDeclared(source, { GOPROXY, GOSUMDB, GONOSUMDB, GOPRIVATE });
}
