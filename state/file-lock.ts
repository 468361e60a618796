import { randomUUID } from "node:crypto";
import { lstat, readFile, readlink, rm, symlink } from "node:fs/promises";
import { BerthError } from "../lib/errors.ts";
import { lookUntil } from "../lib/poll.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

/** Longer than a lock stays whose owner is gone. */
const patienceMs = 15_000;
/** No write takes this long. A younger lock always stays, even if its owner seems to be gone. */
const abandonedAfterMs = 10_000;

/**
 * Runs the work while no other process on this computer runs work for the same file.
 *
 * The lock is a symbolic link whose target names the owner. Creating the link is atomic and fails if it exists; Node offers no
 * kernel file lock. The owner removes the lock. If the owner's process is gone, another process removes it, while that process
 * holds a second lock on the lock itself. So nobody removes a lock that somebody else has just taken: a live owner's lock
 * stays, however slow the owner is, and a dead owner's lock can't change between the check and the removal.
 *
 * @throws BerthError `StoreBusy`
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const owned = await waitForLock(lock);
  if (owned === undefined) {
    throw new BerthError({
      code: "StoreBusy",
      message: `another process keeps writing ${path}`,
      hint: `if none does, remove ${lock}`,
    });
  }
  try {
    return await work();
  } finally {
    await unlock(lock, owned);
  }
}

/** The owner text of the lock once it is taken; undefined if it stays another's. */
async function waitForLock(lock: string): Promise<string | undefined> {
  const ctx = {
    signal: new AbortController().signal,
    note: () => {},
    timings: { firstMs: 20, longestMs: 20 },
  };
  const last = await lookUntil(ctx, {
    what: `the lock ${lock}`,
    timeoutMs: patienceMs,
    look: async () => {
      const owned = await tryLock(lock);
      if (owned !== undefined) return { done: owned };
      if (await isAbandoned(lock)) await removeAbandoned(lock);
      return { waiting: "another process holds it" };
    },
  });
  return "done" in last ? last.done : undefined;
}

/** Takes the lock and returns its owner text; undefined if another caller holds it. */
async function tryLock(lock: string): Promise<string | undefined> {
  const owner = `${process.pid} ${await startOf(process.pid)} ${randomUUID()}`;
  try {
    await symlink(owner, lock);
    return owner;
  } catch (error) {
    if (isSystemFailure(error, "occupied")) return undefined;
    throw error;
  }
}

async function unlock(lock: string, owned: string): Promise<void> {
  // The lock may be another owner's: processes in two containers can share a folder without seeing each other.
  if ((await readOwner(lock)) === owned) await rm(lock, { force: true });
}

/** Only one process at a time may do this. If two saw the same old lock, the second could remove the first one's new lock. */
async function removeAbandoned(lock: string): Promise<void> {
  const guard = `${lock}.taken`;
  const owned = await tryLock(guard);
  if (owned === undefined) {
    if (await isAbandoned(guard)) await removeAbandoned(guard);
    return;
  }
  try {
    if (await isAbandoned(lock)) await rm(lock, { force: true });
  } finally {
    await unlock(guard, owned);
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  const found = await lstat(lock).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs <= abandonedAfterMs) return false;
  const [, pid, start] = /^(\d+) (\d+) /.exec((await readOwner(lock)) ?? "") ?? [];
  // Berth didn't write this lock, so only its age counts.
  if (pid === undefined) return true;
  return !isAlive(Number(pid)) || (await startOf(Number(pid))) !== start;
}

const readOwner = (lock: string): Promise<string | undefined> => readlink(lock).catch(() => undefined);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (isSystemFailure(error, "no process")) return false;
    if (isSystemFailure(error, "not ours")) return true;
    throw error;
  }
}

/** The process's start time, which distinguishes it from a later process with the same id. Linux only: elsewhere always 0. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The program's name comes first, in parentheses, and may contain any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[19] ?? "0";
}
