import { refuse } from "../reply.ts";
import type { Rule } from "../rule.ts";

/** Only Nitro types show their latest console output. Other types are refused, and show what was kept of their boot. */
export function olderConsoles(): Rule {
  return async (request, next) => {
    if (request.operation !== "GetConsoleOutput" || request.fields.get("Latest") !== "true")
      return next(request);
    return refuse(request, {
      status: 400,
      code: "UnsupportedOperation",
      message: "This instance type does not support retrieving the latest console logs",
    });
  };
}
