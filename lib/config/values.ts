import { type Alias, isAlias, isMap, isScalar, isSeq, type Scalar } from "yaml";
import type { z } from "zod";
import type { BerthError } from "../errors.ts";
import { badConfiguration, problemAt } from "./problems.ts";
import { type Source, targetOf, textOf } from "./source.ts";
import { innerTypes, plainTypes, takesOnly, takesText } from "./types.ts";

/** Small files can repeat one list a million times by aliases, which would take all memory. */
const mostRepeated = 10_000;

interface Reading {
  readonly source: Source;
  /** How many values were read a second time, through an alias. */
  repeated: number;
}

type Types = readonly z.ZodType[];

/**
 * Reads a file's values by the types that the schema has for them. YAML guesses a type: it takes 1.10 for a number, and
 * 0644 for another one. A text arrives as it is written instead. What has no place in the schema isn't read.
 */
export function readValues(source: Source, schema: z.ZodType): unknown {
  return readNode(source.document.contents, plainTypes(schema), { source, repeated: 0 }) ?? {};
}

function readNode(node: unknown, types: Types, reading: Reading, via?: Alias): unknown {
  if (isAlias(node)) return readNode(targetOf(node, reading.source), types, reading, via ?? node);
  if (via !== undefined) {
    reading.repeated += 1;
    if (reading.repeated > mostRepeated) throw tooManyRepeated(via, reading.source);
  }
  const readInner = (key: PropertyKey, inner: unknown) => {
    const innerTypesHere = innerTypes(types, key);
    return innerTypesHere.length === 0 ? undefined : readNode(inner, innerTypesHere, reading, via);
  };
  if (isMap(node)) {
    const pairs = node.items.flatMap(({ key, value }) =>
      isScalar(key) ? [[textOf(key), value] as const] : [],
    );
    return Object.fromEntries(pairs.map(([key, value]) => [key, readInner(key, value)]));
  }
  if (isSeq(node)) return node.items.map((item, index) => readInner(index, item));
  return isScalar(node) ? readScalar(node, types) : null;
}

function readScalar(scalar: Scalar, types: Types): unknown {
  const { value } = scalar;
  if (value === null) return null;
  const text = textOf(scalar);
  if (takesText(types) && types.every(({ def }) => def.type !== typeof value)) return text;
  if (typeof value === "string" && takesOnly(types, "number") && isDecimal(text)) return Number(text);
  if (takesOnly(types, "boolean") && isBoolean(text)) return text === "true";
  return value;
}

const tooManyRepeated = ({ range }: Alias, source: Source): BerthError =>
  badConfiguration(source.file, [
    problemAt(range?.[0], source, `aliases repeat more than ${mostRepeated} values, which no stack needs`),
  ]);

/** Many people quote ports and sizes. */
const isDecimal = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text);
const isBoolean = (text: string): boolean => text === "true" || text === "false";
