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
