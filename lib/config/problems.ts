import { closest, distance } from "fastest-levenshtein";
import { type Document, isMap, isNode, isScalar, type LineCounter } from "yaml";
import { z } from "zod";

export interface Problem {
  /** `berth.yaml:4:3` */
  readonly where: string;
  /** `app.source` */
  readonly path: string;
  readonly message: string;
}

type Path = readonly PropertyKey[];

export interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

export function problemAt(offset: number | undefined, { file, lines }: Source, message: string): Problem {
  const { line, col } = lines.linePos(offset ?? 0);
  return { where: `${file}:${Math.max(1, line)}:${Math.max(1, col)}`, path: "", message };
}

/** Turns every schema issue into a problem with its place in the file. Each unknown key is a problem of its own. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  source: Source,
): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => {
        const path = [...issue.path, key];
        return {
          where: place(path, source),
          path: path.join("."),
          message: unknownKey(key, keysAt(schema, issue.path)),
        };
      });
    }
    return [{ where: place(issue.path, source), path: issue.path.join("."), message: describe(issue) }];
  });
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.input === undefined)
    return `missing: ${issue.expected} expected`;
  if (issue.code === "invalid_type") return `${issue.expected} expected`;
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.code === "invalid_value") return `expected one of: ${issue.values.join(", ")}`;
  return issue.message;
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = known.length > 0 ? closest(key, [...known]) : undefined;
  const suggestion = near !== undefined && distance(key, near) <= 3 ? `; did you mean "${near}"?` : "";
  return `unknown key${suggestion || (known.length > 0 ? `; known here: ${known.join(", ")}` : "")}`;
}

function keysAt(schema: z.ZodType, path: Path): string[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    const [head, ...rest] = path;
    if (head === undefined) return Object.keys(inner.shape);
    const next: unknown = inner.shape[String(head)];
    return next instanceof z.ZodType ? keysAt(next, rest) : [];
  }
  if (inner instanceof z.ZodArray && inner.element instanceof z.ZodType)
    return keysAt(inner.element, path.slice(1));
  if (inner instanceof z.ZodUnion) {
    return [
      ...new Set(
        inner.options.flatMap((option) => (option instanceof z.ZodType ? keysAt(option, path) : [])),
      ),
    ];
  }
  return [];
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    const inner: unknown = schema.unwrap();
    if (inner instanceof z.ZodType) return unwrap(inner);
  }
  return schema;
}

/** `file:line:column` of the key at the path, or of its nearest parent that is in the file. */
export function place(path: Path, { file, document, lines }: Source): string {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const offset = keyOffset(document, path.slice(0, depth));
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset);
      return `${file}:${line}:${col}`;
    }
  }
  return `${file}:1:1`;
}

function keyOffset(document: Document, path: Path): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(last));
    return pair && isScalar(pair.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
