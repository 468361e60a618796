/** A piece of somebody else's text for a sentence of ours: one line, no control characters, not longer than a line. */
export function legible(text: string, longest = 80): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll(/\p{C}/gu, "?");
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}
