import type { HandlerExecutionContext } from "@smithy/types";

/** AWS's name of the operation that a middleware is handling: `CreateVpc`. */
export function operationName(context: HandlerExecutionContext): string {
  return (context["commandName"] ?? "Unknown").replace(/Command$/, "");
}
