import { isMap, isScalar, isSeq } from "yaml";
import type { z } from "zod";
import { type Path, type Source, findEntry, targetOf, textOf } from "./source.ts";
import { typesAt } from "./types.ts";

/** What a single value means where a map belongs. */
const mainKeys: Readonly<Record<string, string>> = {
  app: "source",
  "app.health": "path",
  instance: "type",
  network: "cidr",
  state: "backend",
};

/** How the file should have written a value that has another shape: `write {path: /healthz}`. */
export function howToWrite(path: Path, schema: z.ZodType, source: Source): string | undefined {
  const node = targetOf(findEntry(path, source)?.value, source);
  const kinds = new Set(typesAt(schema, path).map(({ def }) => def.type));
  const isSecret = typesAt(schema, path).some((type) => type.meta()?.["secret"] === true);
  const isRule = path[0] === "ingress" && typeof path[1] === "number";
  if (isRule && isScalar(node)) return `write - port: ${textOf(node)}`;
  if (isScalar(node) && typeof node.value === "string") {
    const text = textOf(node);
    const [, name = "", value = ""] = /^([A-Za-z][\w.-]*):(\S.*)$/.exec(text) ?? [];
    if (name !== "") return `write a space after the colon: ${name}: ${value}`;
    if (kinds.has("record")) return mapOf([text], isSecret);
    const key = mainKeys[path.join(".")];
    if (key !== undefined) return `write ${String(path.at(-1))}: {${key}: ${text}}`;
    if (path.join(".") === "app.build")
      return `write app.source: ${text}; app.build has args, target and secrets`;
  }
  if (isSeq(node) && kinds.has("record")) {
    return mapOf(
      node.items.map((item) => itemText(item)),
      isSecret,
    );
  }
  if (isMap(node) && kinds.has("array")) {
    const [first] = node.items;
    const key = isScalar(first?.key) ? textOf(first.key) : "";
    if (key.startsWith("-")) return `write a space after the hyphen: - ${key.slice(1)}: …`;
    return `write a hyphen before its first key: - ${key}: …`;
  }
  return undefined;
}

/** `A=b`, `A: b`, `data:/srv/data`, or a map of one pair, or one with the keys `Key` and `Value` as AWS's tools write tags. */
function itemText(item: unknown): string {
  if (isScalar(item)) return textOf(item);
  if (!isMap(item)) return "";
  const pairs = item.items.map(({ key, value }) =>
    [key, value].map((one) => (isScalar(one) ? textOf(one) : "")),
  );
  const named = Object.fromEntries(pairs.map(([key = "", value = ""]) => [key.toLowerCase(), value]));
  const name = named["key"] ?? named["name"];
  return name === undefined ? (pairs[0] ?? []).join("=") : `${name}=${named["value"] ?? ""}`;
}

/** Values of an environment aren't shown: a log may keep them. */
function mapOf(items: readonly string[], isSecret: boolean): string | undefined {
  const pairs = items.flatMap((item) => {
    const [, name, value = ""] = /^([\w.-]+)\s*[=:]\s*(.*)$/s.exec(item) ?? [];
    return name === undefined ? [] : [`${name}: ${isSecret || value === "" ? "…" : value}`];
  });
  if (pairs.length === 0) return undefined;
  return `write {${pairs.slice(0, 3).join(", ")}${pairs.length > 3 ? ", …" : ""}}`;
}
