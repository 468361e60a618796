import assert from "node:assert/strict";

/** What an app, a host or a stranger may put into a text, each by what it would do to a terminal. */
export const payloads: Readonly<Record<string, string>> = {
  "writes the clipboard": "\u001B]52;c;cm0gLXJmIC8=\u0007",
  "sets the title": "\u001B]0;owned\u001B\\",
  "clears the screen": "\u001B[2J\u001B[H",
  "moves up and forges": "\u001B[5A\u001B[2Kall is well",
  "controls of C1": "\u009B2J\u009D52;c;AAAA\u009C",
  "goes back in the line": "an error\rall is well ",
  "deletes backwards": "bad\b\b\bgood\u007F",
  "forges a line": "x\nup: done in 1.0 s; nothing changed; 39 reads, 0 writes",
  "breaks lines by other means": "a\u000Bb\u000Cc\u0085d\u2028e\u2029f",
  "turns the direction": "\u202Etxt.exe\u202C \u2066isolated\u2069 \u200Fmark",
  "hides in zero width": "ze\u200Bro\u200Dwi\uFEFFdth\u2060\u00AD",
  "hides in tags and fillers": "a\u{E0041}\u{E007F}\u3164b\u115Fc",
  "hides or colours": "\u001B[8mhidden\u001B[0m \u001B[31mred",
  "half a character": "\uD800x\uDFFF",
  NUL: "a\u0000b",
};

/** All of them in one text, none of them in the way of another. */
export const allPayloads = Object.values(payloads).join("|");

const harmful = /(?!\uFE0F)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** What Berth itself sends to a terminal: colours, and going up to draw its live lines again. */
// oxlint-disable-next-line no-control-regex -- sequences for terminals begin with one
const own = /\u001B\[(?:\d{1,2}m|\d+A|J)/g;

/** Whatever else than line feeds a terminal would obey, or not show. On a terminal our own sequences are allowed. */
export function assertHarmless(output: string, { onTerminal = false } = {}): void {
  const rest = onTerminal ? output.replaceAll(own, "") : output;
  const found = [...rest.matchAll(harmful)].filter(([character]) => character !== "\n");
  const where = found
    .slice(0, 5)
    .map(({ index }) => JSON.stringify(rest.slice(Math.max(0, index - 40), index + 10)));
  assert.deepEqual(where, []);
}

/** A forged line is one that begins with what a payload made up. */
export function assertUnforged(output: string): void {
  assert.doesNotMatch(output, /^(?:up: done in 1\.0 s|all is well)/m);
}
