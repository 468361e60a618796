import { BerthError } from "../errors.ts";
import type { Declaration } from "./declaration.ts";

export function notVisible({ name, kind }: Pick<Declaration, "name" | "kind">, id: string): BerthError {
  return new BerthError({
    code: "NotVisible",
    message: `${kind} ${id} was created or changed, but AWS does not show it`,
    hint: "run the same command again: it looks for it first",
    resource: name,
  });
}

/**
 * Looks for a resource that this run has made or changed. AWS may show it without its tags for a while, which looks like
 * somebody else's. So that error is returned, and the caller throws it if it lasts.
 */
export async function findMade<Found>(find: () => Promise<Found>): Promise<Found | BerthError> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof BerthError && error.code === "ForeignResource") return error;
    throw error;
  }
}
