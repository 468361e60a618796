import { stripVTControlCharacters } from "node:util";

/**
 * Breaks a line at spaces so that each part fits the width, and indents all parts but the first. Colours don't count. A
 * word that is longer than the width, such as a URL, stays whole, so that it can be copied.
 */
export function wrap(text: string, width: number, indent: number = hangingIndent(text)): string[] {
  if (widthOf(text) <= width) return [text];
  const start = /^ */.exec(text)?.[0] ?? "";
  const parts: string[] = [];
  let current = start;
  // The spaces before a word belong to it: those inside a line separate columns.
  for (const [word] of text.slice(start.length).matchAll(/ *[^ ]+/g)) {
    const isFirst = current.trim() === "";
    if (isFirst || widthOf(current) + widthOf(word) <= width) current += isFirst ? word.trimStart() : word;
    else {
      parts.push(current);
      current = `${" ".repeat(indent)}${word.trimStart()}`;
    }
  }
  return [...parts, current];
}

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

const widestLabel = 24;

/** Under the text that follows a label such as `hint  `, or else a little to the right of the line's own beginning. */
function hangingIndent(text: string): number {
  const plain = stripVTControlCharacters(text);
  const label = /^ *\S+ {2,}(?=\S)/.exec(plain)?.[0].length ?? 0;
  if (label > 0 && label <= widestLabel) return label;
  return (/^ */.exec(plain)?.[0].length ?? 0) + 2;
}
