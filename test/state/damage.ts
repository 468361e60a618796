import * as fc from "fast-check";

type Path = readonly string[];

/** The tests print the seed: the same seed makes the same damage again. */
export const seed = Number(process.env["BERTH_TEST_SEED"] ?? 20_261_121);
export const sampling = { numRuns: 1_000, seed, includeErrorInReport: true } as const;

const oddKey = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "valueOf",
    "",
    "x".repeat(5_000),
    "a\nb",
    "\u001B[2J",
  ),
  fc.string(),
);

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown[]>(
    null,
    true,
    0,
    -1,
    0.5,
    2,
    1e308,
    2 ** 53,
    "",
    "x".repeat(100_000),
    [],
    {},
    "a\n  at b (c:1:2)",
  ),
  fc.tuple(oddKey, fc.integer()).map(([key, value]) => Object.fromEntries([[key, value]])),
  fc.string({ unit: "binary" }),
  fc.jsonValue(),
);

/** Bytes of a text, cut off, with some of them changed, or with a piece of it doubled, moved or taken out. */
export function damagedText(text: string): fc.Arbitrary<Uint8Array> {
  const whole = Buffer.from(text);
  const place = fc.nat(whole.length - 1);
  const flips = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 5 });
  return fc.oneof(
    place.map((end) => whole.subarray(0, end)),
    flips.map((changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    }),
    fc
      .tuple(place, place, place)
      .map(([start, end, to]) =>
        Buffer.concat([whole.subarray(0, to), whole.subarray(start, end), whole.subarray(to)]),
      ),
    fc
      .tuple(place, place)
      .map(([start, end]) => Buffer.concat([whole.subarray(0, start), whole.subarray(end)])),
  );
}

/** A document with one to three values replaced, keys added or taken away; or its text damaged; or other JSON altogether. */
export function damagedJson(whole: object): fc.Arbitrary<Uint8Array> {
  const json: unknown = JSON.parse(JSON.stringify(whole));
  const path = fc.constantFrom(...pathsOf(json));
  const borrowed = path.map((from) => valueAt(json, from));
  const value = fc.oneof(oddValue, borrowed);
  const top = fc.constantFrom(...Object.keys(whole)).map((key) => [key]);
  const added = fc.tuple(path, oddKey).map(([above, key]) => [...above, key]);
  const edit = fc.record({ at: fc.oneof(path, top, added), odd: fc.option(value, { nil: undefined }) });
  const edited = fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) => edits.reduce((document, { at, odd }) => changeAt(document, at, odd), json));
  const nested = fc.nat(20_000).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`);
  const asText = (odd: unknown) => Buffer.from(JSON.stringify(odd));
  return fc.oneof(
    { weight: 6, arbitrary: edited.map(asText) },
    { weight: 4, arbitrary: damagedText(JSON.stringify(whole, undefined, 2)) },
    { weight: 1, arbitrary: oddValue.map(asText) },
    { weight: 1, arbitrary: nested.map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: edited.map(asText).map(withHugeNumbers) },
  );
}

const withHugeNumbers = (bytes: Buffer) => Buffer.from(bytes.toString().replaceAll(/\d+/g, "1e999"));

function pathsOf(value: unknown, above: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [above];
  return [above, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...above, key]))];
}

function valueAt(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return value;
  return valueAt(new Map<string, unknown>(Object.entries(value)).get(key) ?? null, rest);
}

/** A copy with another value at the path; `undefined` takes the key away. Keys such as `__proto__` stay keys. */
function changeAt(value: unknown, [key, ...rest]: Path, odd: unknown): unknown {
  if (key === undefined) return odd ?? null;
  if (typeof value !== "object" || value === null) return value;
  const entries = new Map<string, unknown>(Object.entries(value));
  const inner = rest.length === 0 ? odd : changeAt(entries.get(key) ?? null, rest, odd);
  if (inner === undefined) entries.delete(key);
  else entries.set(key, inner);
  return Array.isArray(value) ? [...entries.values()] : Object.fromEntries(entries);
}
