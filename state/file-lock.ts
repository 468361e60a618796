import { randomUUID } from "node:crypto";
import { lstat, readFile, readlink, rm, symlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BerthError } from "../lib/errors.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

const lockAttempts = 500;
/** No write takes so long. Younger locks stay, whatever their owner looks like from here. */
const abandonedAfterMs = 10_000;

/**
 * Runs the work while no other process of this computer runs any for the same file.
 *
 * The lock is a symbolic link that names its owner: made and filled in one step, and only where there is none. Node has no
 * lock of the kernel's. It is removed by its owner, or, when that process is gone, by the one that holds the lock's own lock.
 * So nobody removes a lock that somebody else has just taken: a living owner's stays, however slow the owner is, and one of a
 * process that is gone can't change between the look at it and its removal.
 *
 * @throws BerthError `StoreBusy`
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  for (let attempt = 0; attempt < lockAttempts; attempt += 1) {
    const owned = await tryLock(lock);
    if (owned !== undefined) {
      try {
        return await work();
      } finally {
        await unlock(lock, owned);
      }
    }
    if (await isAbandoned(lock)) await removeAbandoned(lock);
    await sleep(20);
  }
  throw new BerthError({
    code: "StoreBusy",
    message: `another process keeps writing ${path}`,
    hint: `if none does, remove ${lock}`,
  });
}

/** What the lock holds while it is this caller's; undefined when another one has it. */
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
  // Another's, where the processes of two containers share a folder and can't see each other.
  if ((await readOwner(lock)) === owned) await rm(lock, { force: true });
}

/** By one at a time: of two that saw the same old lock, the second would remove the first one's new one. */
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
  // Nothing of ours: there is only its age to go by.
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

/** When the process started, which tells it from a later one of the same number. Linux only: elsewhere 0 for all. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name of the program comes before, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[19] ?? "0";
}
