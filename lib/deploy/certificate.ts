import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { Config } from "../config/load.ts";
import { bucketOf, type Session } from "../command/session.ts";
import { invocation } from "../invocation.ts";
import { type Look, lookUntil } from "../poll.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { type HttpsNews, isSecured } from "../release/certificate.ts";
import { readReport } from "../release/reports.ts";
import { isSystemFailure } from "../system-errors.ts";
import { type Probe, probe } from "./probe.ts";

/**
 * The edge takes 66 s to read new domains, an order takes up to a minute, and the host looks at what it is told every ten
 * seconds. Most waits end earlier, by what they wait for.
 */
const patienceMs = 4 * 60_000;
/** Without an end in sight, nobody waits for a try that is later than this. */
const soonMs = 60_000;
const mostFailures = 3;
const pauses = { firstMs: 200, longestMs: 1_000 };

export interface Serving {
  readonly address: string;
  /** The id of the instance that has the address. */
  readonly instance: string;
  /** What its report said of certificates when it was last read. */
  readonly https: HttpsNews | undefined;
}

/** The names that a certificate is wanted for; none if HTTPS is off. */
const namesOf = ({ https, domain }: Config, address: string): readonly string[] =>
  https === "off" ? [] : domain.length > 0 ? domain : [address];

/** The address that users are told: HTTPS only where the host shows a certificate for it. */
export function urlOf(config: Config, address: string, news: HttpsNews | undefined): string {
  const names = namesOf(config, address);
  const [name] = names;
  return name !== undefined && isSecured(news, names) ? `https://${name}/` : `http://${address}/`;
}

/**
 * Waits until the host has its certificate, as long as it looks like it will. Whatever becomes of it, the app is served by
 * HTTP and the host goes on trying: no run fails for a certificate.
 */
export async function awaitCertificate(session: Session, serving: Serving): Promise<HttpsNews | undefined> {
  const { config, report, signal } = session;
  const { address, instance } = serving;
  const wanted = namesOf(config, address);
  // A host whose agent knows nothing of HTTPS reports nothing about it.
  if (wanted.length === 0 || serving.https === undefined || isSecured(serving.https, wanted))
    return serving.https;
  const store = openS3Store(bucketOf(session));
  let news = serving.https;
  let said = "";
  const say = (text: string) => {
    if (text !== said) report.message(text);
    said = text;
  };
  const look = async () => {
    news = (await readReport(store, instance)).report?.https ?? news;
    return lookAtNews(news, wanted);
  };
  await lookUntil(
    { signal, note: say, timings: pauses },
    { what: `a certificate for ${wanted.join(", ")}`, timeoutMs: patienceMs, look },
  );
  if (!isSecured(news, wanted))
    report.message(
      `no HTTPS yet: ${news.error ?? "the host has no certificate"}. The app is served by HTTP; the host goes on trying, and ${invocation("status")} shows how it stands`,
    );
  return news;
}

/**
 * Whether the wait is over: the edge shows the certificate, or it won't soon. A host reports domains only after its edge has
 * read them. Pure.
 */
export function lookAtNews(news: HttpsNews, names: readonly string[], nowMs = Date.now()): Look<true> {
  if (isSecured(news, names, nowMs)) return { done: true };
  const { wanted, error, next, failures = 1 } = news;
  const what = names.join(", ");
  const patience = isIP(what) ? "" : ": its edge reads domains first, which takes a minute or two";
  // What it says of other names was before it heard of these.
  if (!names.every((name) => wanted.includes(name)))
    return { waiting: `waiting for the host to ask for a certificate of ${what}${patience}` };
  if (error === undefined) return { waiting: `waiting for the certificate of ${what}` };
  const isLate = next !== undefined && Date.parse(next) - nowMs > soonMs;
  if (isLate || failures >= mostFailures) return { done: true };
  return { waiting: `waiting for the certificate of ${what}: ${error}` };
}

/** The authority of the embedded AWS's certificates, if its file is there. */
async function readRoots({ authorityFile }: Session): Promise<readonly string[] | undefined> {
  if (authorityFile === undefined) return undefined;
  try {
    return [await readFile(authorityFile, "utf8")];
  } catch (error) {
    if (isSystemFailure(error, "absent")) return undefined;
    throw error;
  }
}

/** `probe` as this session asks: it trusts its authority, and finds names by its name server. */
export async function probeFor(
  session: Session,
  url: string,
  forMs: number,
  requestId?: string,
): Promise<Probe> {
  const { signal, nameServer } = session;
  return probe(url, { signal, patienceMs: forMs, roots: await readRoots(session), nameServer, requestId });
}
