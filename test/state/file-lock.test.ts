import assert from "node:assert/strict";
import { lutimes, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../setup/child-process.ts";
import { fromRoot } from "../../lib/paths.ts";
import { withFileLock } from "../../state/file-lock.ts";

const root = await mkdtemp(join(tmpdir(), "berth-lock-"));
after(() => rm(root, { recursive: true, force: true }));

const openFolder = async () => join(await mkdtemp(join(root, "folder-")), "state.json");

/** As if it had been made a minute ago: longer ago than any write takes. */
async function age(path: string): Promise<void> {
  const at = new Date(Date.now() - 60_000);
  await lutimes(path, at, at);
}

/** A process that takes the lock and is killed while it holds it. */
async function dieHolding(path: string): Promise<void> {
  const script = `
    const { withFileLock } = await import(${JSON.stringify(fromRoot("state/file-lock.ts"))});
    await withFileLock(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"));
  `;
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  assert.equal((await run(process.execPath, args, { cwd: fromRoot(".") })).code, 130);
}

describe("the lock of a file", () => {
  it("stays its owner's for as long as that lives, however slow it is", async () => {
    const path = await openFolder();
    const order: string[] = [];
    let end = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const first = withFileLock(path, async () => {
      await age(`${path}.lock`);
      order.push("first begins");
      await ended;
      order.push("first ends");
    });
    const second = withFileLock(path, async () => void order.push("second"));
    // Some looks at the lock: each comes 20 ms after the last.
    await sleep(200);
    end();
    await Promise.all([first, second]);

    assert.deepEqual(order, ["first begins", "first ends", "second"]);
    assert.deepEqual(await readdir(join(path, "..")), []);
  });

  it("of a process that was killed goes to the next, once it is old", async () => {
    const path = await openFolder();
    await dieHolding(path);
    await age(`${path}.lock`);

    assert.equal(await withFileLock(path, async () => "mine"), "mine");
    assert.deepEqual(await readdir(join(path, "..")), []);
  });

  it("goes to the next also when whoever took it away was killed in the middle of that", async () => {
    const path = await openFolder();
    await dieHolding(path);
    await age(`${path}.lock`);
    // As that one would have left it: a lock on the lock.
    await symlink("999999999 0 none", `${path}.lock.taken`);
    await age(`${path}.lock.taken`);

    assert.equal(await withFileLock(path, async () => "mine"), "mine");
    assert.deepEqual(await readdir(join(path, "..")), []);
  });

  it("isn't kept by another process that has the number of a dead one", async () => {
    const path = await openFolder();
    await symlink(`${process.pid} 1 none`, `${path}.lock`);
    await age(`${path}.lock`);

    assert.equal(await withFileLock(path, async () => "mine"), "mine");
  });
});
