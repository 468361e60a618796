import type { Rule } from "../rule.ts";

/** An S3 that ignores the conditions of these operations, as some servers do that speak its protocol. */
export function ignoredConditions(operations: readonly string[]): Rule {
  return (request, next) => {
    if (request.service !== "s3" || !operations.includes(request.operation)) return next(request);
    const kept = Object.entries(request.headers).filter(
      ([name]) => !["if-match", "if-none-match"].includes(name),
    );
    return next({ ...request, headers: Object.fromEntries(kept) });
  };
}
