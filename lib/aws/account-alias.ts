import { ListAccountAliasesCommand } from "@aws-sdk/client-iam";
import type { Clients } from "./clients.ts";
import { isDenied } from "./errors.ts";

/** The account's alias. Undefined if it has none, or if the caller may not ask: it only helps people to tell accounts apart. */
export async function findAccountAlias({ iam }: Pick<Clients, "iam">): Promise<string | undefined> {
  try {
    return (await iam.send(new ListAccountAliasesCommand({}))).AccountAliases?.[0];
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}
