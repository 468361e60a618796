/** Block ("http > server > location /", "" outside of all) -> its directives as they are written, one a line. */
export type NginxLines = Readonly<Record<string, readonly string[]>>;

/** Reads a configuration of nginx as this project writes them: one directive a line, a block ends on a line of its own. */
export function readNginxLines(text: string): NginxLines {
  const found: Record<string, string[]> = {};
  const open: string[] = [];
  for (const line of text.split("\n").map((raw) => raw.trim().replaceAll(/\s+/g, " "))) {
    if (line === "" || line.startsWith("#")) continue;
    if (line === "}") open.pop();
    else if (line.endsWith(" {")) open.push(line.slice(0, -2));
    else (found[open.join(" > ")] ??= []).push(line.replace(/;$/, ""));
  }
  return found;
}

const directiveOf = (line: string): string => line.split(" ", 1)[0] ?? "";

/**
 * All directives of the kinds that `pinned` speaks of, wherever they stand: a limit that is dropped differs from what is pinned, and so
 * does one that a block further inside sets anew.
 */
export function chooseLines(lines: NginxLines, pinned: NginxLines): NginxLines {
  const kinds = new Set(Object.values(pinned).flat().map(directiveOf));
  const chosen = Object.entries(lines).map(
    ([block, own]) => [block, own.filter((line) => kinds.has(directiveOf(line)))] as const,
  );
  return Object.fromEntries(chosen.filter(([, own]) => own.length > 0));
}
