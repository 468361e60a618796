import { isMap, isScalar } from "yaml";
import type { z } from "zod";
import { findEntry, type Path, type Source, targetOf, textOf } from "./source.ts";
import { keysAt, typesAt } from "./types.ts";

/**
 * A key that its map doesn't have may belong to the one above it that has no value: then its line has too few spaces. YAML
 * takes such a file, and reads something else.
 */
export function parentMeant(path: Path, schema: z.ZodType, source: Source): string | undefined {
  const mapPath = path.slice(0, -1);
  const map = targetOf(findEntry(mapPath, source)?.value, source);
  if (!isMap(map)) return undefined;
  const name = String(path.at(-1));
  const keys = map.items.map(({ key }) => (isScalar(key) ? textOf(key) : ""));
  const known = keysAt(schema, mapPath);
  const above = keys.slice(0, keys.indexOf(name)).findLast((key) => known.includes(key));
  if (above === undefined) return undefined;
  const value = targetOf(findEntry([...mapPath, above], source)?.value, source);
  const isEmpty = isScalar(value) && value.value === null;
  const takesAny = typesAt(schema, [...mapPath, above]).some(({ def }) => def.type === "record");
  const isMeant = isEmpty && (takesAny || keysAt(schema, [...mapPath, above]).includes(name));
  return isMeant ? `unknown key here; with two more spaces before it, it belongs to ${above}` : undefined;
}
