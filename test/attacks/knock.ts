import type { Target } from "./target.ts";
import { exchange, newToken } from "./wire.ts";

/**
 * Sends what is made with a token to the edge and says what became of it: how the edge answered, and how many requests with
 * the token the app saw. One whose path starts with `/hidden-` must never be among them.
 */
export async function knock(
  { address, app }: Target,
  make: (token: string) => readonly (string | Buffer)[],
): Promise<string> {
  const token = newToken();
  const { statuses, end } = await exchange({ address, parts: make(token) });
  const heads = await app.seen(token);
  if (heads.some((head) => /^\S+ \/hidden-/.test(head))) return "smuggled: the app saw the hidden request";
  if (heads.length === 0) return `refused: ${statuses[0] ?? end}`;
  const count = heads.length === 1 ? "one request" : `${heads.length} requests`;
  return `passed on as ${count}: ${statuses.join(" ") || end}`;
}
