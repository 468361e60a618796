import assert from "node:assert/strict";
import { access, chmod, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openFileStore } from "../../state/file-store.ts";

const root = await mkdtemp(join(tmpdir(), "berth-file-lock-"));
after(() => rm(root, { recursive: true, force: true }));

/** A folder in which another process locked the object so long ago. */
async function openLocked(ageMs: number) {
  const directory = await mkdtemp(join(root, "store-"));
  const lock = join(directory, "state.json.lock");
  await writeFile(lock, "");
  const at = new Date(Date.now() - ageMs);
  await utimes(lock, at, at);
  return { directory, lock, store: openFileStore(directory) };
}

/** However long a test on a busy machine stands still: made in a minute. */
const young = -60_000;

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("the file store's lock", () => {
  it("of a process that died is taken away, and the write goes on", async () => {
    const { store, directory } = await openLocked(11_000);

    assert.notEqual(await store.put("state.json", "mine"), "lost");
    assert.equal((await store.get("state.json"))?.body, "mine");
    assert.deepEqual(await readdir(directory), ["state.json"]);
  });

  it("of a process that died is taken away by one of all that see it, and one of their writes is the first", async () => {
    for (let round = 0; round < 10; round += 1) {
      const { store, directory } = await openLocked(11_000);
      const writers = Array.from({ length: 60 }, (_, at) => sleep(at % 30).then(() => at));
      const outcomes = await Promise.all(
        writers.map(async (writer) => store.put("state.json", `of ${await writer}`)),
      );
      assert.equal(outcomes.filter((outcome) => outcome !== "lost").length, 1);
      assert.deepEqual(await readdir(directory), ["state.json"]);
    }
  });

  it("that is in use is waited for, and stays", async () => {
    const { store, lock } = await openLocked(young);
    const writing = store.put("state.json", "mine");

    // Some looks at the lock: each comes 20 ms after the last.
    for (let look = 0; look < 10; look += 1) {
      await sleep(20);
      assert.ok(await isThere(lock), "it was taken away");
    }
    assert.equal(await store.get("state.json"), undefined);
    await rm(lock);
    assert.notEqual(await writing, "lost");
  });

  it("keeps a removal waiting too", async () => {
    const { store, lock } = await openLocked(young);
    await writeFile(lock.replace(/\.lock$/, ""), "theirs");
    const removing = store.remove("state.json", (await store.get("state.json"))?.etag ?? "");

    await sleep(60);
    assert.equal((await store.get("state.json"))?.body, "theirs");
    await rm(lock);
    assert.equal(await removing, true);
    assert.equal(await store.get("state.json"), undefined);
  });

  it("goes with the write that held it, also when that failed", async () => {
    const directory = await mkdtemp(join(root, "store-"));
    const store = openFileStore(directory);

    await assert.rejects(store.put("nowhere/state.json", "mine"), { code: "ENOENT" });
    await store.put("state.json", "mine");
    await store.put("state.json", "theirs", "another version");

    assert.deepEqual(await readdir(directory), ["state.json"]);
  });
});

describe("the file store's files", () => {
  it("can be read by their owner alone", async () => {
    const directory = join(root, "private", "hello");
    const store = openFileStore(directory);

    await store.put("state.json", "mine");

    assert.equal((await stat(join(directory, "state.json"))).mode & 0o777, 0o600);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
  });

  it("are closed to others in a folder that was open to them before", async () => {
    const directory = await mkdtemp(join(root, "open-"));
    await chmod(directory, 0o755);

    await openFileStore(directory).put("state.json", "mine");

    assert.equal((await stat(directory)).mode & 0o777, 0o700);
  });

  it("are as old as their last write, by the clock of the computer", async () => {
    const directory = await mkdtemp(join(root, "store-"));
    const store = openFileStore(directory);
    await store.put("lease.json", "beat");
    const at = new Date(Date.now() - 60_000);
    await utimes(join(directory, "lease.json"), at, at);

    const ageMs = (await store.get("lease.json"))?.ageMs ?? 0;

    assert.ok(ageMs >= 60_000 && ageMs < 120_000, `age ${ageMs}`);
  });

  it("from the future are new, not of a negative age", async () => {
    const directory = await mkdtemp(join(root, "store-"));
    const store = openFileStore(directory);
    await store.put("lease.json", "beat");
    const at = new Date(Date.now() + 60_000);
    await utimes(join(directory, "lease.json"), at, at);

    assert.equal((await store.get("lease.json"))?.ageMs, 0);
  });
});
