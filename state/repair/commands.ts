import { rm } from "node:fs/promises";
import { type CommandSpec, type Outcome, runCommand } from "../../lib/command/command.ts";
import { findHostedZones } from "../../lib/deploy/reading.ts";
import { confirm } from "../../lib/deploy/confirmation.ts";
import { listAll } from "../../lib/engine/owned.ts";
import { BerthError, exitCodes } from "../../lib/errors.ts";
import { badArguments } from "../../lib/command/flags.ts";
import type { Session } from "../../lib/command/session.ts";
import { declareStack } from "../../lib/stack.ts";
import {
  readKept,
  problemOf,
  publishedLines,
  readRelease,
  readStored,
  replaceDocument,
  tellChanges,
  versionedBucket,
} from "./stored.ts";
import { keepReplaced } from "./replaced.ts";
import { newDocument } from "../document.ts";
import { findVersion, listVersions, readVersions } from "./history.ts";
import { type FoundLease, leaseKey, readLease } from "../lease/lease.ts";
import { rebuildDocument } from "../rebuild.ts";
import { documentLines, historyLines, historyRows, leaseText, storedLines } from "./text.ts";
import { invocation } from "../../lib/invocation.ts";

const done: Outcome = { outcome: "done", exitCode: exitCodes.done };
const unchanged: Outcome = { outcome: "unchanged", exitCode: exitCodes.done };
const versionsShown = 50;

async function show(session: Session): Promise<Outcome> {
  const { store, report, flags, rescueFile } = session;
  const [stored, lease, published, kept] = await Promise.all([
    readStored(session),
    readLease(store),
    readRelease(session),
    readKept(session),
  ]);
  const { document, problem, body } = stored ?? {};
  const { location } = session.state;
  const unsaved = kept && rescueFile;
  const lines = [
    ...storedLines(location, stored),
    `lease       ${leaseText(lease)}`,
    ...publishedLines(published),
    `unsaved     ${unsaved === undefined ? "nothing" : `${unsaved}: the next run merges it`}`,
    ...(document ? ["", ...documentLines(document)] : []),
  ];
  const values = {
    location,
    document,
    problem: problemOf(problem),
    lease,
    release: published.release,
    releaseProblem: problemOf(published.problem),
    unsaved,
  };
  if (flags.raw && body !== undefined) report.raw("state", values, body);
  else report.data("state", values, flags.raw ? [] : lines);
  return done;
}

async function history(session: Session): Promise<Outcome> {
  const bucket = versionedBucket(session);
  const versions = await listVersions(bucket);
  const some = await readVersions(bucket, session.scope, versions.slice(0, versionsShown));
  const rows = historyRows(some);
  const more = versions.length > rows.length ? [`${versions.length - rows.length} older ones`] : [];
  const lines = rows.length === 0 ? [`s3://${bucket.bucket} keeps no version`] : historyLines(rows);
  session.report.data("history", { versions: rows, total: versions.length }, [...lines, ...more]);
  return done;
}

async function restore(session: Session): Promise<Outcome> {
  const { flags, report } = session;
  const bucket = versionedBucket(session);
  if (flags.version === undefined) throw badArguments("it isn't said which --version", "state restore");
  const [found, stored, kept] = await Promise.all([
    findVersion(bucket, session.scope, flags.version),
    readStored(session),
    readKept(session),
  ]);
  if (found.document === undefined) throw found.problem ?? new TypeError(`${found.id} is no document`);
  report.message(`version ${found.id} of ${found.at}, serial ${found.serial}`);
  tellChanges(session, stored, found.document);
  await confirm(session, "Put it back? Type yes:", "yes");
  await replaceDocument(session, { operation: "state restore", document: found.document, stored });
  if (kept !== undefined && kept.document?.lineage !== found.document.lineage) await moveKept(session, kept);
  return done;
}

async function rebuild(session: Session): Promise<Outcome> {
  const { config, ctx, report } = session;
  const zones = await findHostedZones(session);
  const listing = listAll(declareStack({ config, account: ctx.account, zones }), ctx, config.stack);
  const [listed, stored, kept] = await Promise.all([listing, readStored(session), readKept(session)]);
  const isInBucket = config.state.backend === "s3";
  // A stored document that can't be used stops every command, so even an empty document is better.
  if (listed.length === 0 && stored?.problem === undefined)
    return nothingToDo(session, `nothing in AWS carries the tags of ${config.stack}`);
  if (isInBucket && stored === undefined && listed.every(({ kind }) => kind !== "bucket"))
    return nothingToDo(
      session,
      `there is no bucket to keep it in: ${invocation("up")} makes one, and finds the rest`,
    );

  // The lineage of an unsaved document is reused, so that the next run can merge that document.
  const empty = newDocument(session.scope);
  const { lineage, pins } = kept?.document ?? stored?.document ?? empty;
  const document = rebuildDocument({ ...empty, lineage, pins }, listed);
  report.data("rebuilt", { document }, documentLines(document));
  tellChanges(session, stored, document);
  await confirm(session, "Write this document? Type yes:", "yes");
  await replaceDocument(session, { operation: "state rebuild", document, stored });
  if (kept?.problem !== undefined) await moveKept(session, kept);
  return done;
}

/** Moves an unsaved document that can't be merged out of the way, because every command would stop at it. */
async function moveKept({ report, rescueFile }: Session, { body }: { readonly body: string }): Promise<void> {
  report.message(`can't be merged, so moved: ${await keepReplaced(rescueFile, body)}`);
  await rm(rescueFile, { force: true });
}

async function unlock(session: Session): Promise<Outcome> {
  const { store, report, flags } = session;
  const shown = await readLease(store);
  report.data("lease", { location: store.location, lease: shown }, [leaseText(shown)]);
  if (shown === undefined) return unchanged;
  if (shown.isAlive && !flags.force) throw leaseAlive(store.location);
  await confirm(session, "Take it away? Type yes:", "yes");
  // A heartbeat during the question shows that the holder is alive. Only --force tries again, so that it gets past heartbeats.
  const attempts = flags.force ? 5 : 1;
  for (let attempt = 0, now: FoundLease | undefined = shown; attempt < attempts; attempt += 1) {
    if (now === undefined) return nothingToDo(session, "it was given back meanwhile");
    if (now.record?.id !== shown.record?.id) break;
    if (await store.remove(leaseKey, now.etag)) {
      report.message("taken away: a holder that still lives stops before its next write");
      return done;
    }
    now = await readLease(store);
  }
  throw leaseAlive(store.location);
}

function nothingToDo({ report }: Session, why: string): Outcome {
  report.message(why);
  return { outcome: "unchanged", exitCode: exitCodes.done };
}

function leaseAlive(location: string): BerthError {
  return new BerthError({
    code: "LeaseHeld",
    message: `the lease on ${location} is alive; it was left as it is`,
    hint: "stop that run, or wait for it; --force takes the lease away all the same",
    exitCode: exitCodes.leaseHeld,
  });
}

// None of these commands needs the app's source.
const withoutSource = { usesSource: false } as const;

await runCommand({
  name: "state",
  summary: "shows the state document and repairs it",
  commands: [
    {
      ...withoutSource,
      name: "state show",
      summary: "what is recorded, who holds the lease, which release is desired",
      examples: [
        ["berth state show", "for people"],
        ["berth state show --raw", "the stored text itself, to keep or to compare"],
      ],
      help: [
        "Changes nothing. Of a document that can't be used it says what is wrong; --raw prints it as it is.",
        "Exit codes: 0 done, 1 failed, 3 bad input.",
      ],
      run: show,
    },
    {
      ...withoutSource,
      name: "state history",
      summary: "the versions that the bucket keeps, newest first, and what each changed",
      examples: [["berth state history", "the last 50 versions"]],
      help: ["Changes nothing. Needs the s3 backend.", "Exit codes: 0 done, 1 failed, 3 bad input."],
      run: history,
    },
    {
      ...withoutSource,
      name: "state restore",
      summary: "puts an earlier version back, as a new one with a higher serial",
      examples: [["berth state restore --version 12", "the version with serial 12"]],
      help: [
        "What is replaced is kept in .berth/unsaved/, and as a version. plan then tells what it means.",
        "Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held or written meanwhile.",
      ],
      run: restore,
    },
    {
      ...withoutSource,
      name: "state unlock",
      summary: "takes away the lease of a run that is no more",
      examples: [
        ["berth state unlock", "if the run that held it is gone"],
        ["berth state unlock --force", "even if it is alive: it stops at its next write"],
      ],
      help: [
        "Seldom needed: an expired lease is taken over by the next run.",
        "Exit codes: 0 done, 1 failed, 3 bad input, 4 its holder is alive.",
      ],
      run: unlock,
    },
    {
      ...withoutSource,
      name: "state rebuild",
      summary: "makes a document from ownership tags, in place of the stored one",
      examples: [["berth state rebuild", "shows the new document and asks first"]],
      help: [
        "What is replaced is kept in .berth/unsaved/, and as a version. plan then tells what it means.",
        "Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held or written meanwhile.",
      ],
      run: rebuild,
    },
  ] satisfies CommandSpec[],
});
