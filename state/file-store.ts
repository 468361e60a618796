import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BerthError } from "../lib/errors.ts";
import { ensurePrivateFolder } from "../lib/private-files.ts";
import { readOwnFile } from "./bounded-read.ts";
import type { ObjectStore, StoredObject, WriteOutcome } from "./object-store.ts";

/** A folder as a store, for a single computer. Writes go to a new file that takes the old one's place in one step. */
export function openFileStore(directory: string): ObjectStore {
  const path = (key: string) => join(directory, key);

  const get = async (key: string): Promise<StoredObject | undefined> => {
    try {
      const [body, { mtimeMs }] = await Promise.all([readOwnFile(path(key)), stat(path(key))]);
      return body === undefined
        ? undefined
        : { body, etag: etagOf(body), ageMs: Math.max(0, Date.now() - mtimeMs) };
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  };

  return {
    location: directory,
    get,
    put: (key, body, etag) =>
      exclusively(directory, path(key), async (): Promise<WriteOutcome> => {
        const found = await get(key);
        if (found?.etag !== etag) return "lost";
        await replaceFile(path(key), body);
        return { etag: etagOf(body) };
      }),
    remove: (key, etag) =>
      exclusively(directory, path(key), async () => {
        const found = await get(key);
        if (found !== undefined && found.etag !== etag) return false;
        await rm(path(key), { force: true });
        return true;
      }),
  };
}

// Bodies carry a serial or a heartbeat, so equal bodies are equal versions.
const etagOf = (body: string): string => createHash("sha256").update(body).digest("hex").slice(0, 32);

async function replaceFile(path: string, body: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}.new`;
  const file = await open(fresh, "wx", 0o600);
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}

const lockAttempts = 500;
const lockStaleMs = 10_000;

/** Compare-and-swap needs one writer at a time; a lock file held for milliseconds gives that, and one left by a kill is taken away. */
async function exclusively<T>(directory: string, path: string, work: () => Promise<T>): Promise<T> {
  await ensurePrivateFolder(directory);
  const lock = `${path}.lock`;
  for (let attempt = 0; attempt < lockAttempts; attempt += 1) {
    const handle = await open(lock, "wx", 0o600).catch((error: unknown) => {
      if (codeOf(error) === "EEXIST") return undefined;
      throw error;
    });
    if (handle !== undefined) {
      try {
        return await work();
      } finally {
        // Whoever slept for so long that its lock was taken away leaves alone the one that is there now.
        const [own, there] = await Promise.all([handle.stat(), findLock(lock)]);
        if (there?.ino === own.ino) await rm(lock, { force: true });
        await handle.close();
      }
    }
    if (isStale(await findLock(lock))) await takeAway(lock);
    await sleep(20);
  }
  throw new BerthError({
    code: "StoreBusy",
    message: `another process keeps writing ${path}`,
    hint: `if none does, remove ${lock} and ${lock}.taken`,
  });
}

const findLock = (lock: string) => stat(lock).catch(() => undefined);

const isStale = (lock: Awaited<ReturnType<typeof findLock>>): boolean =>
  lock !== undefined && Date.now() - lock.mtimeMs > lockStaleMs;

/** One at a time, and after another look: of two that saw the same old lock, the second would remove the first one's new one. */
async function takeAway(lock: string): Promise<void> {
  const taken = `${lock}.taken`;
  const handle = await open(taken, "wx", 0o600).catch((error: unknown) => {
    if (codeOf(error) === "EEXIST") return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    if (isStale(await findLock(lock))) await rm(lock, { force: true });
  } finally {
    await handle.close();
    await rm(taken, { force: true });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
