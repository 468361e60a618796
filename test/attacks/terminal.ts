/** What a terminal would do something with, or read in another order, beside line ends and tabs. */
const active = /[^\P{C}\n\t]|[\u2028\u2029]/u;

export const isSafeForTerminal = (text: string): boolean => !active.test(text);

/** Clipboard, title, clear screen, colours, C1 codes, other orders of reading, line ends that aren't, forged lines. */
export const hostileText =
  "\u001B]52;c;cm0gLXJm\u0007\u001B]0;title\u0007\u001B[2J\u001B[31m\u009B2J\u202Eevil\u2066\r\u000B\u000C\u0085\u2028\u0000\u0008error Forged: nothing";
