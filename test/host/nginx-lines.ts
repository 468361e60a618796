/** Maps each block ("http > server > location /", or "" outside all blocks) to its directives as written. */
export type NginxLines = Readonly<Record<string, readonly string[]>>;

/** Reads an nginx configuration in this project's style: one directive per line, and each block ends on a separate line. */
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
 * All directives of the kinds in `pinned`, in any block. So a limit that is removed differs from `pinned`, and so does
 * one that an inner block overrides.
 */
export function chooseLines(lines: NginxLines, pinned: NginxLines): NginxLines {
  const kinds = new Set(Object.values(pinned).flat().map(directiveOf));
  const chosen = Object.entries(lines).map(
    ([block, own]) => [block, own.filter((line) => kinds.has(directiveOf(line)))] as const,
  );
  return Object.fromEntries(chosen.filter(([, own]) => own.length > 0));
}
