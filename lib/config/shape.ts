import { isNode, isScalar, visit, type YAMLMap } from "yaml";
import { type Problem, problemAt, type Source } from "./problems.ts";

const mostEntries = 1_000;

/**
 * Finds problems in a file's structure before its content is read: duplicate keys, of which the last would silently
 * win; names that no JavaScript object can have; and so many entries that each later check would take minutes.
 */
export function shapeProblems(source: Source): Problem[] {
  const problems: Problem[] = [];
  visit(source.document, {
    Map: (_key, map) => {
      problems.push(...mapProblems(map, source));
    },
    Seq: (_key, { items, range }) => {
      if (items.length > mostEntries) problems.push(tooMany(range?.[0], source));
    },
  });
  return problems;
}

function mapProblems({ items, range }: YAMLMap, source: Source): Problem[] {
  if (items.length > mostEntries) return [tooMany(range?.[0], source)];
  const known = new Set<string>();
  return items.flatMap(({ key }) => {
    const at = isNode(key) ? key.range?.[0] : undefined;
    if (!isScalar(key)) return [problemAt(at, source, "a key is one word, not a list, a map or an alias")];
    const name = String(key.value);
    const isNew = !known.has(name);
    known.add(name);
    if (name === "__proto__") return [problemAt(at, source, '"__proto__" can\'t be a name here')];
    return isNew ? [] : [problemAt(at, source, `the key "${name}" is there twice`)];
  });
}

const tooMany = (at: number | undefined, source: Source): Problem =>
  problemAt(at, source, `more than ${mostEntries} entries follow; nothing in this file takes so many`);
