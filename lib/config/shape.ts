import { type Alias, isNode, isScalar, type Node, type Scalar, visit, type YAMLMap } from "yaml";
import { type Problem, problemAt } from "./problems.ts";
import { type Source, textOf } from "./source.ts";

const mostEntries = 1_000;

/**
 * Finds problems in a file's structure before its content is read: duplicate keys, of which the last would silently
 * win; names that no JavaScript object can have; so many entries that each later check would take minutes; aliases that
 * lead nowhere; and whatever would make YAML read another value than the one that is written.
 */
export function shapeProblems(source: Source): Problem[] {
  const problems: Problem[] = versionProblems(source);
  const report = (...more: readonly Problem[]) => void problems.push(...more);
  visit(source.document, {
    Map: (_key, map) => report(...tagProblems(map, source), ...mapProblems(map, source)),
    Seq: (_key, list) => {
      report(...tagProblems(list, source));
      if (list.items.length > mostEntries) report(tooMany(list, source));
    },
    Scalar: (_key, scalar) => report(...tagProblems(scalar, source), ...textProblems(scalar, source)),
    Alias: (_key, alias, parents) => report(...aliasProblems(alias, parents, source)),
  });
  return problems;
}

function versionProblems(source: Source): Problem[] {
  const version = source.document.directives?.yaml.version ?? "1.2";
  if (version === "1.2") return [];
  return [problemAt(0, source, `YAML 1.2 is read here; remove the line %YAML ${version}`)];
}

function mapProblems(map: YAMLMap, source: Source): Problem[] {
  if (map.items.length > mostEntries) return [tooMany(map, source)];
  const known = new Set<string>();
  return map.items.flatMap(({ key }) => {
    const report = (message: string) => [
      problemAt(isNode(key) ? key.range?.[0] : undefined, source, message),
    ];
    if (!isScalar(key)) return report("a key is one word, not a list, a map or an alias");
    const name = textOf(key);
    const isNew = !known.has(name);
    known.add(name);
    if (name === "__proto__") return report('"__proto__" can\'t be a name here');
    if (name === "<<" && key.type === "PLAIN")
      return report("<< merges nothing here; write the entries themselves");
    return isNew ? [] : report(`the key "${name}" is there twice`);
  });
}

/** `!!str` only says that a value is text, and `!` the same. Every other tag would change or drop something. */
const harmlessTags: ReadonlySet<string | undefined> = new Set([undefined, "!", "tag:yaml.org,2002:str"]);

function tagProblems({ tag, range }: Node, source: Source): Problem[] {
  if (harmlessTags.has(tag)) return [];
  const written = tag?.replace(/^tag:yaml\.org,2002:/, "!!");
  const message = `${written} says how to read a value; write the value in quotes without it, or as it is`;
  return [problemAt(range?.[0], source, message)];
}

function textProblems(scalar: Scalar, source: Source): Problem[] {
  if (!/\p{Surrogate}/u.test(textOf(scalar))) return [];
  const message = "half of a pair of characters (\\ud800 to \\udfff), which has no UTF-8";
  return [problemAt(scalar.range?.[0], source, message)];
}

function aliasProblems(alias: Alias, parents: readonly unknown[], source: Source): Problem[] {
  const at = alias.range?.[0];
  const target = source.aliases.get(alias);
  if (target === undefined)
    return [problemAt(at, source, `no anchor &${alias.source} stands before this alias`)];
  return parents.includes(target) ? [problemAt(at, source, "this alias stands inside of what it names")] : [];
}

const tooMany = ({ range }: Node, source: Source): Problem =>
  problemAt(
    range?.[0],
    source,
    `more than ${mostEntries} entries follow; nothing in this file takes so many`,
  );
