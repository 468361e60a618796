/** Makes a piece of foreign text safe to quote in a message: one line, no control characters, at most `longest` characters. */
export function printable(text: string, longest = 80): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll(/\p{C}/gu, "?");
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}
