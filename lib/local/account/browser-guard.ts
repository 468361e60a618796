import type { RequestHead } from "./claim.ts";

/**
 * Why a request can't come from an SDK, an engine or a command; undefined when it can. A page in a browser can send
 * requests here too: to the address itself, with an Origin header, or to a name of its own that it resolves to this
 * address.
 */
export function findForeign(head: RequestHead, isHost: (host: string) => boolean): string | undefined {
  const { method, url, headers } = head;
  if (headers.origin !== undefined) return "Requests of web pages aren't answered";
  if (method === "OPTIONS" || method === "TRACE" || method === "CONNECT") return `${method} isn't answered`;
  if (!isHost(headers.host ?? "")) return "Nothing of that name is here";
  // A whole URL, or one without its scheme, names a host a second time.
  if (!url.startsWith("/") || url.startsWith("//")) return "That is no path";
  return undefined;
}

/**
 * Removes headers that concern one connection only, and those that would make an emulator change the protocol or let a
 * page read the answer.
 */
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
  // This header carries the secret for the emulators' control paths. Tests send it directly to the emulators' sockets.
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
