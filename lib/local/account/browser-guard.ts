import type { RequestHead } from "./claim.ts";

/**
 * Why a request can't be from an SDK, an engine or a command; undefined when it may be. A page in a browser can send requests
 * here too: to the address itself, with an Origin, or under a name of its own that it has made to lead here.
 */
export function findForeign(head: RequestHead, isHost: (host: string) => boolean): string | undefined {
  const { method, url, headers } = head;
  if (headers.origin !== undefined) return "Requests of web pages aren't answered";
  if (method === "OPTIONS" || method === "TRACE" || method === "CONNECT") return `${method} isn't answered`;
  if (!isHost(headers.host ?? "")) return "Nothing of that name is here";
  // A whole URL, or one without its scheme, names a host once more.
  if (!url.startsWith("/") || url.startsWith("//")) return "That is no path";
  return undefined;
}

/** Of one connection only; and what would have an emulator change the protocol, or let a page read the answer. */
const kept = (name: string, named: ReadonlySet<string>): boolean =>
  !hopByHop.has(name) && !named.has(name) && !name.startsWith("access-control-");

const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  // A secret opens the emulators' own paths; the tests show it at another door.
  "x-berth-control",
]);

export function passedHeaders(headers: NodeJS.Dict<string | string[]>): NodeJS.Dict<string | string[]> {
  const named = new Set(
    String(headers["connection"] ?? "")
      .toLowerCase()
      .split(/\s*,\s*/),
  );
  return Object.fromEntries(Object.entries(headers).filter(([name]) => kept(name, named)));
}
