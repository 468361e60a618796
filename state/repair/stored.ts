import { randomUUID } from "node:crypto";
import { keepReplaced } from "./replaced.ts";
import { readOwnFile } from "../bounded-read.ts";
import { changesText, compareDocuments } from "./changes.ts";
import type { StateDocument } from "../document.ts";
import { type Inspection, inspectBody } from "./inspection.ts";
import type { StoredObject } from "../object-store.ts";
import { type BucketLocation, openS3Store } from "../s3-store.ts";
import { stateKey } from "../store.ts";
import { BerthError, exitCodes } from "../../lib/errors.ts";
import { withLease } from "../../lib/deploy/lease.ts";
import { findRelease } from "../../lib/release/document.ts";
import { type ReleaseFigures, releaseFigures, releaseLines } from "../../lib/release/figures.ts";
import { bucketOf, type Session } from "../../lib/command/session.ts";
import { invocation } from "../../lib/invocation.ts";

/** Under the lease, replaces exactly the version that was shown. The replaced document is kept on this computer. */
export async function replaceDocument(
  session: Session,
  { operation, document, stored }: { operation: string; document: StateDocument; stored: Stored | undefined },
): Promise<void> {
  const { report, rescueFile, state } = session;
  await withLease(session, operation, async ({ lease }) => {
    if (stored) report.message(`kept: ${await keepReplaced(rescueFile, stored.body)}`);
    const serial = Math.max(stored?.serial ?? 0, document.serial) + 1;
    const stamp = { serial, writer: randomUUID(), savedAt: new Date().toISOString() };
    await lease.assertHeld();
    await state.save({ ...document, ...stamp }, stored?.etag);
    report.message(`written with serial ${serial}; ${invocation("plan")} tells what it means`);
  });
}

/** Reports on stderr how the new document differs from the stored one. */
export function tellChanges({ report }: Session, stored: Stored | undefined, document: StateDocument): void {
  const { problem, document: before } = stored ?? {};
  if (problem) report.message(`it takes the place of one that can't be used: ${problem.code}`);
  else report.message(`against what is stored: ${changesText(compareDocuments(before, document))}`);
}

/** The stored document, usable or not. */
export type Stored = StoredObject & Inspection;

export async function readStored({ store, scope, state }: Session): Promise<Stored | undefined> {
  const found = await store.get(stateKey);
  return found && { ...found, ...inspectBody(found.body, scope, state.location) };
}

/** Reads the document that an earlier run on this computer could not save. */
export async function readKept({
  rescueFile,
  scope,
}: Session): Promise<(Inspection & { readonly body: string }) | undefined> {
  const body = await readOwnFile(rescueFile);
  return body === undefined ? undefined : { body, ...inspectBody(body, scope, rescueFile) };
}

/** Reads the published release, or returns why it can't be read. */
export async function readRelease(
  session: Session,
): Promise<{ release?: ReleaseFigures; problem?: BerthError }> {
  try {
    const found = await findRelease(openS3Store(bucketOf(session)));
    return found === undefined ? {} : { release: releaseFigures(found.release) };
  } catch (error) {
    if (error instanceof BerthError) return { problem: error };
    throw error;
  }
}

export const publishedLines = ({ release, problem }: Awaited<ReturnType<typeof readRelease>>): string[] =>
  problem === undefined ? releaseLines(release) : [`release     ${problem.code}: ${problem.message}`];

/** What is shown of an error that is part of a result rather than a failure of the command. */
export const problemOf = (error: BerthError | undefined) =>
  error && { code: error.code, message: error.message, hint: error.hint };

/** Returns the bucket that keeps versions. Throws BerthError `NoHistory` for a backend without them. */
export function versionedBucket(session: Session): BucketLocation {
  if (session.config.state.backend === "s3") return bucketOf(session);
  throw new BerthError({
    code: "NoHistory",
    message: `${session.store.location} keeps no earlier versions: only a bucket does`,
    hint: `${invocation("state rebuild")} makes a document from ownership tags`,
    exitCode: exitCodes.badInput,
  });
}
