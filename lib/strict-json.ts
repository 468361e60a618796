/** Far more bytes than any object that Berth writes. Readers stop after this many. */
export const longestBody = 1024 * 1024;
const deepest = 32;

/** Matches strings without backtracking. It only ever sees text that JSON.parse has accepted. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g;

/**
 * Parses text that somebody else may have written. Throws SyntaxError with a short reason if it isn't JSON, or if it has what
 * Berth never writes and parsers treat differently: excessive length or depth, a duplicate key, `__proto__`.
 */
export function parseStrictJson(text: string): unknown {
  if (Buffer.byteLength(text) > longestBody) throw new SyntaxError("it is longer than 1 MiB");
  const value = parse(text);
  requirePlain(text);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError("it is not JSON", { cause });
  }
}

/** The keys seen so far in each open object; undefined for an array. */
type Open = (Set<string> | undefined)[];

function requirePlain(text: string): void {
  const open: Open = [];
  let last = "";
  for (const [found] of text.matchAll(token)) {
    if (found === "{" || found === "[") open.push(found === "{" ? new Set() : undefined);
    else if (found === "}" || found === "]") open.pop();
    else if (found === ":") requireNewKey(last, open.at(-1));
    if (open.length > deepest) throw new SyntaxError(`it is nested more than ${deepest} deep`);
    last = found;
  }
}

function requireNewKey(quoted: string, keys: Set<string> | undefined): void {
  const key = String(JSON.parse(quoted));
  if (key === "__proto__") throw new SyntaxError('it has a key "__proto__"');
  if (keys?.has(key)) throw new SyntaxError(`it has the key ${quoted.slice(0, 80)} twice`);
  keys?.add(key);
}
