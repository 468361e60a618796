import { refuse } from "../reply.ts";
import type { Rule } from "../rule.ts";

/** A dry run of EC2 changes nothing and ends with an error that says so. */
export function dryRun(): Rule {
  return async (request, next) => {
    if (request.fields.get("DryRun") !== "true") return next(request);
    return refuse(request, {
      status: 412,
      code: "DryRunOperation",
      message: "Request would have succeeded, but DryRun flag is set.",
    });
  };
}
