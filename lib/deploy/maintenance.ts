import { openS3Store } from "../../state/s3-store.ts";
import { bucketOf, type Session } from "../command/session.ts";
import type { WriteContext } from "../contract/resource.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import { readLimited } from "../limited-file.ts";
import { lookUntil } from "../poll.ts";
import { findRelease, type Published } from "../release/document.ts";
import { publishMaintenance, showsPage } from "../release/maintenance.ts";
import { readReport } from "../release/reports.ts";
import { type Maintenance, mostPageBytes } from "../release/schema.ts";
import type { Hosts } from "./hosts.ts";

/** A host asks for news every two seconds, or six at rest, and ten times as long is patience enough. */
const patienceMs = 60_000;
const pauses = { firstMs: 200, longestMs: 1_000 };

/** @throws BerthError `BadPage` for what can't be shown as a page. */
export async function readPage(file: string): Promise<string> {
  const bytes = await readLimited(file, mostPageBytes).catch((error: unknown) => {
    throw badPage(file, error instanceof Error ? error.message : String(error));
  });
  if (bytes.length > mostPageBytes)
    throw badPage(
      file,
      `it is larger than ${mostPageBytes / 1024} KiB; a picture of a page can be elsewhere`,
    );
  if (bytes.length === 0) throw badPage(file, "it is empty");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw badPage(file, "it is no text in UTF-8");
  }
}

const badPage = (file: string, why: string): BerthError =>
  new BerthError({
    code: "BadPage",
    message: `${file} can't be the page for visitors: ${why}`,
    hint: `--page names a file of HTML with everything in it, of at most ${mostPageBytes / 1024} KiB; without --page, Berth has one`,
    exitCode: exitCodes.badInput,
  });

/** The published release, which says whether maintenance is on. */
export async function requireRelease(session: Session): Promise<Published> {
  const found = await findRelease(openS3Store(bucketOf(session)));
  if (found !== undefined) return found;
  throw new BerthError({
    code: "NoRelease",
    message: `${session.config.stack} has no release yet, so visitors see nothing that a page could replace`,
    hint: `${invocation("up")} makes one`,
    exitCode: exitCodes.badInput,
  });
}

/** Publishes what is wished, on top of the release as it was found. */
export async function setMaintenance(
  session: Session,
  ctx: WriteContext,
  { found, wished }: { readonly found: Published; readonly wished: Maintenance | undefined },
): Promise<void> {
  const store = openS3Store({ ...bucketOf(session), client: ctx.clients.s3 });
  await publishMaintenance(store, found, wished);
}

/**
 * Waits until each host says that it does what is wished.
 *
 * @throws BerthError `HostSilent` when the time is over. The host does it all the same when it reads the bucket again.
 */
export async function awaitPage(
  session: Session,
  { ids }: Pick<Hosts, "ids">,
  wished: Maintenance | undefined,
): Promise<void> {
  const store = openS3Store(bucketOf(session));
  const look = async () => {
    const told = await Promise.all(ids.map(async (id) => (await readReport(store, id)).report));
    return told.every((one) => showsPage(one, wished)) ? { done: true } : { waiting: ids.join(", ") };
  };
  const ctx = { signal: session.signal, note: () => {}, timings: pauses };
  const last = await lookUntil(ctx, { what: `${ids.join(", ")} to hear of it`, timeoutMs: patienceMs, look });
  if ("done" in last) return;
  throw new BerthError({
    code: "HostSilent",
    message: `${ids.join(", ")} did not say in time that visitors see ${wished === undefined ? "the app again" : "the page"}`,
    hint: `it is stored, and a host does it as soon as it reads it. One whose agent is older than this knows no such page: ${invocation("up")} brings it this Berth's`,
    exitCode: exitCodes.releaseUnhealthy,
  });
}
