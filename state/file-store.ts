import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateFolder } from "../lib/private-files.ts";
import { isSystemFailure } from "../lib/system-errors.ts";
import { readOwnFile } from "./bounded-read.ts";
import { withFileLock } from "./file-lock.ts";
import type { ObjectStore, StoredObject, WriteOutcome } from "./object-store.ts";

/** A folder as a store, for a single computer. A write creates a new file and renames it over the old one. */
export function openFileStore(directory: string): ObjectStore {
  const path = (key: string) => join(directory, key);

  /** Allows one writer at a time, which compare-and-swap needs. */
  const exclusively = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
    await ensurePrivateFolder(directory);
    return withFileLock(file, work);
  };

  const get = async (key: string): Promise<StoredObject | undefined> => {
    try {
      const [body, { mtimeMs }] = await Promise.all([readOwnFile(path(key)), stat(path(key))]);
      return body === undefined
        ? undefined
        : { body, etag: etagOf(body), ageMs: Math.max(0, Date.now() - mtimeMs) };
    } catch (error) {
      if (isSystemFailure(error, "absent")) return undefined;
      throw error;
    }
  };

  return {
    location: directory,
    get,
    put: (key, body, etag) =>
      exclusively(path(key), async (): Promise<WriteOutcome> => {
        const found = await get(key);
        if (found?.etag !== etag) return "lost";
        await replaceFile(path(key), body);
        return { etag: etagOf(body) };
      }),
    remove: (key, etag) =>
      exclusively(path(key), async () => {
        const found = await get(key);
        if (found !== undefined && found.etag !== etag) return false;
        await rm(path(key), { force: true });
        return true;
      }),
    // A write creates the folder.
    exists: () => Promise.resolve(true),
  };
}

// Bodies contain a serial or a heartbeat count, so equal bodies are the same version.
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
