/** More bytes than any object of Berth's has, by far. Who reads one stops after them. */
export const longestBody = 1024 * 1024;
const deepest = 32;

/** A string with nothing to try twice in it: only texts that JSON.parse took are looked through. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g;

/**
 * Parses what somebody else may have written. Throws SyntaxError, with the reason in a few words, for what isn't JSON, and
 * for what Berth never writes and what readers understand in different ways: too much, too deep, one key twice, `__proto__`.
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

/** The keys of each object that is open; undefined for a list. */
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
