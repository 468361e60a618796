import { z } from "zod";

/** The types that a value may have, without what surrounds them: defaults, unions and transformations are taken apart. */
export function plainTypes(type: unknown): readonly z.ZodType[] {
  if (type instanceof z.ZodDefault || type instanceof z.ZodOptional || type instanceof z.ZodPrefault)
    return plainTypes(type.unwrap());
  if (type instanceof z.ZodPipe) return [type.in, type.out].flatMap(plainTypes);
  if (type instanceof z.ZodUnion) return type.options.flatMap(plainTypes);
  return type instanceof z.ZodType ? [type] : [];
}

/** The types of what stands at one key of a map, or at one index of a list. */
export function innerTypes(types: readonly z.ZodType[], key: PropertyKey): readonly z.ZodType[] {
  return types.flatMap((type) => {
    if (type instanceof z.ZodObject) return plainTypes(ownValue(type.shape, key));
    if (type instanceof z.ZodRecord) return plainTypes(type.valueType);
    return type instanceof z.ZodArray && typeof key === "number" ? plainTypes(type.element) : [];
  });
}

export const typesAt = (schema: z.ZodType, path: readonly PropertyKey[]): readonly z.ZodType[] =>
  path.reduce(innerTypes, plainTypes(schema));

/** The keys that a map may have at the path. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const maps = typesAt(schema, path).filter((type) => type instanceof z.ZodObject);
  return [...new Set(maps.flatMap(({ shape }) => Object.keys(shape)))];
}

/** Every key of the schema by its path, maps before what they hold: `app`, `app.port`. What stands in lists is left out. */
export function pathsOf(schema: z.ZodType): readonly string[] {
  const below = (path: readonly string[]): string[] =>
    keysAt(schema, path).flatMap((key) => [[...path, key].join("."), ...below([...path, key])]);
  return below([]);
}

const textKinds: ReadonlySet<string> = new Set(["string", "enum", "literal"]);

export const takesText = (types: readonly z.ZodType[]): boolean =>
  types.some(({ def }) => textKinds.has(def.type));

export const takesOnly = (types: readonly z.ZodType[], kind: "number" | "boolean"): boolean =>
  types.length > 0 && types.every(({ def }) => def.type === kind);

/** Own keys only: a key may have the name of something that every object inherits, such as `constructor`. */
const ownValue = (shape: Readonly<Record<string, unknown>>, key: PropertyKey): unknown =>
  Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
