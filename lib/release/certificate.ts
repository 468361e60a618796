import type { HostReport } from "./reports.ts";

/** What the host knows of certificates: docs/events.md. */
export type HttpsNews = NonNullable<HostReport["https"]>;

const dayMs = 24 * 3600 * 1000;

/** Whether the edge shows a certificate for exactly these names that is still valid. */
export function isSecured(
  news: HttpsNews | undefined,
  names: readonly string[],
  nowMs = Date.now(),
): boolean {
  const { certificate } = news ?? {};
  if (certificate === undefined || !(Date.parse(certificate.notAfter) > nowMs)) return false;
  return names.every((name) => certificate.names.includes(name));
}

/** Describes for people which certificate there is, what fails, and what comes next. */
export function httpsLines(news: HttpsNews | undefined, nowMs = Date.now()): string[] {
  if (news === undefined) return [];
  const { certificate, error, failures = 1, next } = news;
  const shown =
    certificate === undefined
      ? [`https       no certificate yet for ${news.wanted.join(", ") || "anything"}`]
      : [
          `https       ${certificate.names.join(", ")}, by ${certificate.issuer}, ${describeEnd(certificate, nowMs)}`,
        ];
  const renewal =
    next === undefined
      ? []
      : [`            the host tries ${certificate === undefined ? "again" : "to renew it"} at ${next}`];
  const times = failures === 1 ? "failed once" : `failed ${failures} times in a row`;
  return [...shown, ...(error === undefined ? [] : [`            ${times}: ${error}`]), ...renewal];
}

function describeEnd({ notAfter }: { readonly notAfter: string }, nowMs: number): string {
  const leftMs = Date.parse(notAfter) - nowMs;
  if (!(leftMs > 0)) return `EXPIRED since ${notAfter}`;
  const days = Math.floor(leftMs / dayMs);
  return `until ${notAfter} (${days === 0 ? "less than a day" : days === 1 ? "1 day" : `${days} days`} left)`;
}
