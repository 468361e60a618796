import { z } from "zod";
import { isPlain } from "./plain-values.ts";
import { appFields, type Content, content, edgeFields } from "./schema.ts";

export interface ContentDifference {
  /** The field's path: `replicas`, or `environment.MODE` for one variable. */
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
}

/** The types that can be compared. A field of another type is a compile error: extend the comparison first. */
type Value =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string | number | readonly string[]>>
  | undefined;

type MaybeLacking<Fields> = { readonly [Field in keyof Fields]?: Fields[Field] | undefined };

/** Compares two releases, field by field of the schema. A release that an earlier Berth wrote may lack some fields. */
export function compareContent(
  desired: MaybeLacking<Content>,
  observed: MaybeLacking<Content>,
): ContentDifference[] {
  return content.keyof().options.flatMap((field) => {
    const isSecret = content.shape[field].meta()?.["secret"] === true;
    return compareField(field, { desired: desired[field], observed: observed[field] }, isSecret);
  });
}

function compareField(
  field: string,
  values: { readonly desired: Value; readonly observed: Value },
  isSecret: boolean,
): ContentDifference[] {
  const [to, from] = [textsOf(field, values.desired), textsOf(field, values.observed)];
  const paths = [...new Set([...to.keys(), ...from.keys()])].filter(
    (path) => to.get(path) !== from.get(path),
  );
  return paths.map((path) => {
    const [desiredText = notSet, observedText = notSet] = [to.get(path), from.get(path)];
    if (!isSecret) return { field: path, desired: desiredText, observed: observedText };
    const show = (text: string | undefined, hidden: string) =>
      text === undefined ? notSet : isPlain(path.slice(field.length + 1), text) ? text : hidden;
    return {
      field: path,
      desired: show(to.get(path), from.has(path) ? "(another value)" : "(a value)"),
      observed: show(from.get(path), "(a value)"),
    };
  });
}

/** Longer values are cut. A command may have 64 KiB. */
const longestSetting = 1_000;

/** Every setting of a release by its path, for people. Values are hidden as in a comparison. */
export const settingsOf = (one: MaybeLacking<Content>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    compareContent(one, {})
      .filter(({ field }) => field !== "image")
      .map(({ field, desired }) => [field, desired.slice(0, longestSetting)]),
  );

/** What a user always wants to see: as if it had no default. */
const alwaysTold = { port: undefined, replicas: undefined, memoryMib: undefined };
/** Said elsewhere in a plan. */
const elsewhere = new Set(["image", "dataVolume", "logGroup"]);
export const contentDefaults = { ...z.object(appFields).parse({}), edge: z.object(edgeFields).parse({}) };

/** Describes a new release: the fields that a user always wants to see, and those that aren't as by default. */
export function describeContent(desired: Content): { readonly field: string; readonly value: string }[] {
  const others = compareContent(desired, { ...contentDefaults, ...alwaysTold });
  return others
    .filter(({ field, desired: value }) => !elsewhere.has(field) && value !== notSet)
    .map(({ field, desired: value }) => ({
      field,
      value: value === "(another value)" ? "(a value)" : value,
    }));
}

const notSet = "(not set)";

/** Each value by its path. A map, because a variable's name may equal an inherited property such as `constructor`. */
function textsOf(field: string, value: Value): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (typeof value !== "object") return new Map([[field, String(value)]]);
  if (isList(value)) return new Map([[field, textOf(value)]]);
  return new Map(Object.entries(value).map(([name, one]) => [`${field}.${name}`, textOf(one)]));
}

const textOf = (value: string | number | readonly string[]): string =>
  typeof value === "object" ? JSON.stringify(value) : String(value);

/** `Array.isArray` alone doesn't recognize a readonly array. */
function isList(value: object): value is readonly string[] {
  return Array.isArray(value);
}
