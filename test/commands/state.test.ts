import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import { openFileStore } from "../../state/file-store.ts";
import { leaseKey, readLease, takeLease } from "../../state/lease/lease.ts";
import { openStateStore } from "../../state/store.ts";
import { until } from "../local/temporary-aws.ts";
import { scope, first, openStoredStack, second, settings } from "./stored-stack.ts";

const stack = await openStoredStack();
after(() => stack[Symbol.asyncDispose]());
beforeEach(() => stack.reset());
const { directory, store, state, save, putRaw } = stack;

const isLost = (error: unknown): boolean => error instanceof BerthError && error.code === "LeaseLost";

test("show tells what is recorded and who holds the lease, and writes nothing", async () => {
  await save(first, second);
  const lease = await takeLease(store, { operation: "up" });

  const run = await state("show");
  await lease.release();

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /serial +2\n/);
  assert.match(run.stdout, new RegExp(`lease +held by .*process ${process.pid}\\), running "up"`));
  assert.match(run.stdout, /vpc +generation 1 +vpc-1\n/);
  assert.match(run.stdout, /pin image\.debian-13 +ami-1/);
  assert.match(run.stderr, /, 0 writes$/m);
});

test("show tells what is wrong with a damaged document, and prints it as it is when asked", async () => {
  const damaged = '{"version": 1, "lineage": "';
  await putRaw(damaged);

  const [told, raw] = await Promise.all([state("show", "--json"), state("show", "--raw")]);

  assert.equal(told.exitCode, 0);
  const [shown] = told.events;
  assert.match(JSON.stringify(shown?.["problem"]), /StateDamaged.*state show.*state rebuild/);
  assert.equal(raw.stdout, `${damaged}\n`);
});

test("history lists each version with the names that it changed", async () => {
  await save(first, second);
  await putRaw("broken");

  const run = await state("history", "--json");

  assert.equal(run.exitCode, 0, run.stderr);
  const [listed] = run.events;
  assert.ok(Array.isArray(listed?.["versions"]));
  const rows: unknown[] = listed["versions"];
  const [newest, middle, oldest] = rows.map((row) => JSON.stringify(row));
  assert.match(newest ?? "", /"problem":"StateDamaged"/);
  assert.match(middle ?? "", /"serial":2.*"added":\["role","pin image.debian-13"\],"changed":\[\]/);
  assert.match(oldest ?? "", /"serial":1.*"added":\["vpc"\]/);
});

test("a command that isn't there is refused, and help tells those that are", async () => {
  const [absent, none, help] = await Promise.all([state("shwo"), state(), state("--help")]);

  assert.deepEqual([absent.exitCode, none.exitCode, help.exitCode], [3, 3, 0]);
  assert.match(absent.stderr, /unexpected argument "shwo"[\s\S]*berth state --help/);
  assert.match(none.stderr, /it isn't said which command/);
  for (const word of ["show", "history", "restore", "unlock", "rebuild"])
    assert.match(help.stdout, new RegExp(`berth state ${word} `));
});

test("the file backend is shown, has no history, and says what to do instead", async () => {
  const other = join(directory, "file.yaml");
  await writeFile(other, `${settings}state: { backend: file, path: kept }\n`);
  await openStateStore(openFileStore(join(directory, "kept/hello/eu-central-1")), scope).save(
    first,
    undefined,
  );

  const [shown, refused] = await Promise.all([
    state("show", "--config", other),
    state("history", "--config", other),
  ]);

  assert.match(shown.stdout, /vpc +generation 1 +vpc-1/);
  assert.equal(refused.exitCode, 3);
  assert.match(refused.stderr, /NoHistory[\s\S]*state rebuild/);
});
test("unlock refuses a live lease, takes it away when forced, and its holder stops", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const lease = await takeLease(store, { operation: "up", ttlMs: 600_000 });

  const refused = await state("unlock", "--yes");
  const forced = await state("unlock", "--yes", "--force");

  assert.equal(refused.exitCode, 4);
  assert.match(refused.stderr, /LeaseHeld.*alive/);
  assert.equal(forced.exitCode, 0, forced.stderr);
  assert.match(forced.stdout, new RegExp(`held by .*process ${process.pid}`));
  assert.equal(await store.get(leaseKey), undefined);
  // Its next heartbeat finds it out, or its next write.
  t.mock.timers.tick(200_000);
  await until(() => lease.assertHeld().then(() => false, isLost));
});

test("unlock takes away what a run left that is no more, and finds nothing the next time", async () => {
  const dead = {
    id: "1",
    holder: "ann",
    host: "elsewhere",
    process: 7,
    operation: "down",
    ttlMs: 1,
    beat: 3,
  };
  await store.put(leaseKey, JSON.stringify({ ...dead, since: "2026-11-21T10:00:00.000Z" }));
  await until(async () => (await readLease(store))?.isAlive === false);

  const run = await state("unlock", "--yes");
  const again = await state("unlock", "--yes", "--json");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /expired; was held by ann@elsewhere \(process 7\), running "down"/);
  assert.equal(await store.get(leaseKey), undefined);
  assert.equal(again.summary["outcome"], "unchanged");
});
