import type { Rule } from "../rule.ts";

/** Makes objects age faster, for tests of what depends on S3's own clock, such as the expiry of a lease. */
export function objectAge(speed: number): Rule {
  return async (request, next) => {
    const reply = await next(request);
    const changedMs = Date.parse(reply.headers["last-modified"] ?? "");
    const nowMs = Date.parse(reply.headers.date ?? "");
    if (request.service !== "s3" || Number.isNaN(changedMs) || Number.isNaN(nowMs)) return reply;
    const shown = new Date(changedMs + Math.max(0, nowMs - changedMs) * speed);
    return { ...reply, headers: { ...reply.headers, date: shown.toUTCString() } };
  };
}
