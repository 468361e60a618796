import type { HandlerExecutionContext } from "@smithy/types";

/** What AWS calls the call that is under way in a middleware: `CreateVpc`. */
export function operationName(context: HandlerExecutionContext): string {
  return (context["commandName"] ?? "Unknown").replace(/Command$/, "");
}
