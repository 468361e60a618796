import { setTimeout as sleep } from "node:timers/promises";
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

/** S3's clock, which a test may put forward for what is stored by then. What is written later is as young as it is. */
export class ObjectClock {
  #steps: { readonly beforeMs: number; readonly ms: number }[] = [];

  /** Returns when what is written next can be told from what was there: S3 gives times in whole seconds. */
  async putForward(ms: number): Promise<void> {
    const beforeMs = (Math.floor(Date.now() / 1000) + 1) * 1000;
    while (Date.now() < beforeMs) await sleep(beforeMs - Date.now());
    this.#steps.push({ beforeMs, ms });
  }

  readonly rule: Rule = async (request, next) => {
    const reply = await next(request);
    const changedMs = Date.parse(reply.headers["last-modified"] ?? "");
    const nowMs = Date.parse(reply.headers.date ?? "");
    if (request.service !== "s3" || Number.isNaN(changedMs) || Number.isNaN(nowMs)) return reply;
    const aheadMs = this.#steps.reduce((sum, { beforeMs, ms }) => sum + (changedMs < beforeMs ? ms : 0), 0);
    return { ...reply, headers: { ...reply.headers, date: new Date(nowMs + aheadMs).toUTCString() } };
  };
}
