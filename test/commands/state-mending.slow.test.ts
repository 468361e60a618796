import { DeleteObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { after, beforeEach, test } from "node:test";
import { parseDocument } from "../../state/document.ts";
import { leaseKey, takeLease } from "../../state/lease/lease.ts";
import { scope, bucket, first, openStoredStack, second } from "./stored-stack.ts";

const stack = await openStoredStack();
after(() => stack[Symbol.asyncDispose]());
beforeEach(() => stack.reset());
const { s3, store, unsaved, rescueFile, state, save, putRaw, stored, tagStack, damagedCopies } = stack;
const down = () => stack.run("teardown/down.ts", ["--yes"]);

test("restore puts an earlier version back with a higher serial, and keeps what it replaced", async () => {
  await save(first, second);
  await putRaw("broken");

  const run = await state("restore", "--version", "2", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  const { serial, resources, pins, lineage } = parseDocument(await stored(), scope, bucket);
  assert.deepEqual(
    { resources, pins, lineage, serial },
    { resources: second.resources, pins: second.pins, lineage: second.lineage, serial: 3 },
  );
  assert.deepEqual(await damagedCopies(), ["broken"]);
  assert.equal(await store.get(leaseKey), undefined);
});

test("restore brings a removed document back", async () => {
  await save(first);
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "state.json" }));

  const run = await state("restore", "--version", "1", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(await stored(), /vpc-1/);
});

test("restore keeps what a run could not save where that can be merged, and moves it away where it can't", async () => {
  await save(first, second);
  await mkdir(unsaved);
  await writeFile(rescueFile, JSON.stringify(second));
  const merging = await state("restore", "--version", "1", "--yes");
  const kept = await readFile(rescueFile, "utf8");
  const other = JSON.stringify({ ...second, lineage: randomUUID() });
  await writeFile(rescueFile, other);

  const moving = await state("restore", "--version", "2", "--yes");

  assert.deepEqual([merging.exitCode, moving.exitCode], [0, 0], moving.stderr);
  assert.equal(kept, JSON.stringify(second));
  assert.match(moving.stderr, /can't be merged, so moved: /);
  await assert.rejects(readFile(rescueFile), { code: "ENOENT" });
  assert.ok((await damagedCopies()).includes(other));
});

test("restore refuses what it can't use, without a write", async () => {
  await save({ ...first, stack: "other" });
  await putRaw("broken");
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));

  const [foreign, absent, unsaid] = await Promise.all([
    state("restore", "--version", Versions[1]?.VersionId ?? "", "--yes"),
    state("restore", "--version", "77", "--yes"),
    state("restore", "--yes"),
  ]);

  assert.match(foreign.stderr, /StateForeign.*of stack other, not hello/);
  assert.equal(foreign.exitCode, 1);
  assert.match(absent.stderr, /NoSuchVersion/);
  assert.deepEqual([absent.exitCode, unsaid.exitCode], [3, 3]);
  assert.equal(await stored(), "broken");
});

test("restore asks, and waits for nobody who holds the lease", async () => {
  await save(first, second);
  const lease = await takeLease(store, { operation: "up" });

  const [unasked, held] = await Promise.all([
    state("restore", "--version", "1"),
    state("restore", "--version", "1", "--yes"),
  ]);
  await lease.release();

  assert.match(unasked.stderr, /against what is stored: - role, pin[\s\S]*NeedsConfirmation/);
  assert.equal(unasked.exitCode, 3);
  assert.equal(held.exitCode, 4);
  assert.match(await stored(), /"serial": 2/);
});

test("restore writes nothing over what was written since it was shown", async () => {
  await save(first, second);
  const lease = await takeLease(store, { operation: "up" });
  const args = ["restore", "--version", "1", "--yes", "--json", "--wait", "60"];
  let meanwhile: Promise<unknown> | undefined;
  const writeMeanwhile = () => save({ ...second, serial: 3 }).then(() => lease.release());

  const run = await stack.run("state/repair/commands.ts", args, {
    onEvent: ({ text }) => {
      if (String(text).startsWith("waiting for")) meanwhile ??= writeMeanwhile();
    },
  });
  await meanwhile;

  assert.equal(run.exitCode, 4);
  assert.equal(run.events.find(({ event }) => event === "error")?.["code"], "StateConflict");
  assert.match(await stored(), /"serial": 3/);
});

test("rebuild makes a document from tags in place of a damaged one, and keeps that", async () => {
  const vpcId = await tagStack();
  await putRaw('{"serial": 7, oops');

  const run = await state("rebuild", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stderr, /can't be used: StateDamaged/);
  const rebuilt = parseDocument(await stored(), scope, bucket);
  assert.deepEqual(rebuilt.resources, {
    bucket: { kind: "bucket", generation: 1, id: bucket },
    vpc: { kind: "vpc", generation: 3, id: vpcId },
  });
  assert.equal(rebuilt.serial, 8);
  assert.deepEqual(await damagedCopies(), ['{"serial": 7, oops']);
});

test("down refuses a damaged document with the way back, and goes through after it", async () => {
  await tagStack();
  await putRaw("broken");

  const refused = await down();
  await state("rebuild", "--yes");
  const through = await down();

  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /StateDamaged[\s\S]*hint.*state rebuild/);
  assert.equal(through.exitCode, 0, through.stderr);
  assert.match(through.stdout, /census: 0 left/);
});

test("rebuild goes on in the history of what a run could not save, so that the next run merges it", async () => {
  await tagStack();
  await putRaw("broken");
  await mkdir(unsaved);
  await writeFile(rescueFile, JSON.stringify(second));

  const run = await state("rebuild", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  const { lineage, pins } = parseDocument(await stored(), scope, bucket);
  assert.deepEqual({ lineage, pins }, { lineage: first.lineage, pins: second.pins });
  assert.match(await readFile(rescueFile, "utf8"), /berth-hello/);
});

test("rebuild moves an unsaved document away that nobody can merge", async () => {
  await tagStack();
  await mkdir(unsaved);
  await writeFile(rescueFile, "half");

  const run = await state("rebuild", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.deepEqual(await damagedCopies(), ["half"]);
  await assert.rejects(readFile(rescueFile), { code: "ENOENT" });
});

test("where nothing is tagged, rebuild leaves a good document alone, and puts an empty one over a damaged one", async () => {
  await save(first);
  const alone = await state("rebuild", "--yes", "--json");
  const kept = await stored();
  await putRaw("broken");

  const emptied = await state("rebuild", "--yes");

  assert.equal(alone.summary["outcome"], "unchanged");
  assert.match(kept, /vpc-1/);
  assert.equal(emptied.exitCode, 0, emptied.stderr);
  assert.deepEqual(parseDocument(await stored(), scope, bucket).resources, {});
});
