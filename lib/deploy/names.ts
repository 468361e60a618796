import { zoneFor } from "../aws/hosted-zones.ts";
import type { Session } from "../command/session.ts";
import { invocation } from "../invocation.ts";
import { lookUntil } from "../poll.ts";
import type { PlanWarning } from "../report/shown-plan.ts";
import { recordName } from "../resources/network/record-claim.ts";
import { authorityOf, describeAnswers, judgeName, recordToSet } from "./name-judgement.ts";
import { lookupNames, type NameAnswers } from "./name-lookup.ts";
import type { Reading } from "./reading.ts";

const patienceMs = 30_000;
const pauses = { firstMs: 500, longestMs: 2_000 };

export interface NameNews {
  readonly name: string;
  /** The name and where it leads. */
  readonly text: string;
  readonly troubles: readonly PlanWarning[];
}

/** What DNS answers now for the stack's domains, and what is wrong with it. Without a domain, nobody is asked. */
export async function readNames(
  { config, nameServer }: Session,
  { plan, zones }: Pick<Reading, "plan" | "zones">,
  address: string | undefined,
): Promise<NameNews[]> {
  const { https, domain } = config;
  const authority = https === "off" ? undefined : authorityOf(https.directory);
  const answers = domain.length === 0 ? [] : await lookupNames(domain, nameServer);
  return answers.map((one: NameAnswers) => {
    const { name } = one;
    const isPending = plan.steps.some((step) => step.name === recordName(name));
    const troubles = judgeName(one, { address, zone: zoneFor(name, zones), isPending, authority });
    return { name, text: describeAnswers(one), troubles };
  });
}

/**
 * Waits a while for names that don't lead to the address yet, and says which record to set. Returns whether all lead there: no
 * authority issues a certificate before. No run fails for that.
 */
export async function awaitNames(session: Session, reading: Reading, address: string): Promise<boolean> {
  const { report, signal } = session;
  const after = { ...reading, plan: { steps: [], superseded: [] } };
  let news = await readNames(session, after, address);
  const isAstray = ({ troubles }: NameNews) => troubles.some(({ code }) => isAboutAddress.has(code));
  for (const { name } of news.filter(
    (one) => isAstray(one) && zoneFor(one.name, reading.zones) === undefined,
  ))
    report.message(recordToSet(name, address));
  let said = "";
  const note = (text: string) => {
    if (text !== said) report.message(text);
    said = text;
  };
  let isFirst = true;
  const look = async () => {
    if (!isFirst) news = await readNames(session, after, address);
    isFirst = false;
    const astray = news.filter(isAstray);
    return astray.length === 0
      ? { done: true }
      : { waiting: `waiting for DNS: ${astray.map(({ text }) => text).join("; ")}` };
  };
  await lookUntil(
    { signal, note, timings: pauses },
    { what: "the domain to lead here", timeoutMs: patienceMs, look },
  );
  for (const { message, hint } of news.flatMap(({ troubles }) => troubles))
    report.message(`${message}; ${hint ?? ""}`);
  if (!news.some(isAstray)) return true;
  report.message(
    `no HTTPS yet: the app is served by HTTP at http://${address}/; the host gets its certificate by itself once DNS leads here, and ${invocation("status")} shows how it stands`,
  );
  return false;
}

/** A computer whose own DNS fails says nothing about what the authority sees. */
const isAboutAddress = new Set(["name-unresolved", "name-elsewhere"]);

/** For `status`. */
export function nameLines(news: readonly NameNews[]): string[] {
  return news.flatMap(({ text, troubles }) => [
    `domain      ${text}`,
    ...troubles.map(({ message, hint }) => `            ${message}; ${hint ?? ""}`),
  ]);
}
