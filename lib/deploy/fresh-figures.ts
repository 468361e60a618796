import { openS3Store } from "../../state/s3-store.ts";
import { bucketOf, type Session } from "../command/session.ts";
import { type Look, lookUntil } from "../poll.ts";
import { minuteText } from "../release/figures.ts";
import { readReport } from "../release/reports.ts";
import { probeFor, urlOf } from "./certificate.ts";
import type { Outputs } from "./outputs.ts";

/** The host's edge logs a request under this id, and its converger tells what it has counted as soon as it reads that. */
const requestId = "berth-figures";

/** A host answers at once, but for half a minute after its last answer. Its converger takes a turn every 2 s. */
const patienceMs = 60_000;
/** One request is enough, and may get lost. */
const askMs = 10_000;
const pauses = { firstMs: 500, longestMs: 1_000 };

type Known = Pick<Outputs, "address" | "instance" | "rollout" | "app" | "https">;

/**
 * Has the host that serves report what it has counted until now. It is asked by a request to the app: no port or right is
 * needed for that. True when the report is there; otherwise says why it isn't.
 */
export async function refreshFigures(session: Session, known: Known): Promise<boolean> {
  const { report, signal } = session;
  const { address, instance, rollout, app, https } = known;
  if (address === undefined || instance === undefined) return false;
  if (rollout?.status !== "serving") {
    report.message("no figures were asked for: the host counts for a release that serves");
    return false;
  }
  const url = urlOf(session.config, address, https);
  const pace = { signal, note: () => {}, timings: pauses };
  // Whatever it answers: the host has read the request then.
  const ask = async (): Promise<Look<true>> => {
    const { status, reason = "nothing" } = await probeFor(session, url, 0, requestId);
    return status === undefined ? { waiting: reason } : { done: true };
  };
  const asked = await lookUntil(pace, { what: url, timeoutMs: askMs, look: ask });
  if ("waiting" in asked) {
    const trouble = `${url} doesn't answer from here (${asked.waiting})`;
    report.message(`${trouble}: the figures are those of the last report`);
    return false;
  }
  report.message("waiting for the host to count");
  const store = openS3Store(bucketOf(session));
  const look = async () => {
    const at = (await readReport(store, instance)).report?.upstream?.at;
    return at !== undefined && at !== app?.at ? { done: true } : { waiting: "as before" };
  };
  const end = await lookUntil(pace, { what: "the host's figures", timeoutMs: patienceMs, look });
  if ("done" in end) return true;
  const last = app?.at === undefined ? "" : ` of ${minuteText(app.at)}`;
  report.message(
    `the host told nothing new within ${patienceMs / 1000} s: the figures${last} are its last ones`,
  );
  return false;
}
