import { createHash } from "node:crypto";

export interface TokenParts {
  readonly stack: string;
  readonly name: string;
  readonly generation: number;
  readonly lineage: string;
}

/**
 * The same create gets the same token in every process, so AWS answers a repeated create with what the first one made.
 * The token has 49 ASCII characters; AWS accepts 64.
 *
 * `parameters` is the whole input of the call except the token: AWS refuses a token that is reused with other
 * parameters. `attempt` is raised when a token belongs to something that has been deleted since.
 */
export function clientToken(parts: TokenParts, parameters: object, attempt = 0): string {
  const { stack, name, generation, lineage } = parts;
  const text = JSON.stringify([stack, name, generation, lineage, attempt, sortKeys(parameters)]);
  return `berth-${createHash("sha256").update(text).digest("base64url")}`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sortKeys(member)]),
  );
}
