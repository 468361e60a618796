import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateTagsCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { resourceTags } from "../../../lib/aws/tags.ts";
import {
  listDataSnapshots,
  removeSnapshot,
  takeFinalSnapshot,
  takeSnapshot,
} from "../../../lib/resources/storage/data-snapshot.ts";
import { dataVolume, finalTag } from "../../../lib/resources/storage/data-volume.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

async function makeVolume() {
  const identity = newIdentity("data-volume");
  const volumeId = await dataVolume.create(ctx, identity, { gib: 3, zone: "eu-central-1a" });
  return { stack: identity.stack, volumeId, userTags: { Team: "harbour" } };
}

const idsOf = async (stack: string) => (await listDataSnapshots(ctx, stack)).map(({ id }) => id);

test("snapshot: each order makes one, which bears the stack's tags and the user's", async () => {
  const of = await makeVolume();
  const [first, second] = [await takeSnapshot(ctx, of), await takeSnapshot(ctx, of)];

  assert.notEqual(first, second);
  assert.deepEqual((await idsOf(of.stack)).toSorted(), [first, second].toSorted());
  const { Snapshots = [] } = await stranger.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [first] }));
  const tags = Object.fromEntries((Snapshots[0]?.Tags ?? []).map(({ Key = "", Value }) => [Key, Value]));
  assert.equal(tags["berth:stack"], of.stack);
  assert.equal(tags["berth:resource"], "data-snapshot");
  assert.equal(tags["Team"], "harbour");
});

test("snapshot: the final one is complete when it is returned, and a teardown that goes on takes no second", async () => {
  const of = await makeVolume();
  const id = await takeFinalSnapshot(ctx, of);
  // The emulator itself completes a snapshot at once.
  const shown = await ctx.clients.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
  assert.equal(shown.Snapshots?.[0]?.State, "completed");

  assert.equal(await takeFinalSnapshot(ctx, of), id);
  assert.deepEqual(await idsOf(of.stack), [id]);
});

test("snapshot: after the volume was in use again, an earlier final one no longer counts", async () => {
  const of = await makeVolume();
  const id = await takeFinalSnapshot(ctx, of);
  // As the instance does when it attaches the volume.
  const Tags = [{ Key: finalTag, Value: "" }];
  await stranger.ec2.send(new CreateTagsCommand({ Resources: [of.volumeId], Tags }));

  assert.notEqual(await takeFinalSnapshot(ctx, of), id);
});

test("snapshot: those of another stack, and others of this one, are not listed", async () => {
  const [of, other] = [await makeVolume(), await makeVolume()];
  await takeSnapshot(ctx, other);
  const foreign = await takeSnapshot(ctx, of);
  const tags = resourceTags({ stack: of.stack, name: "somebody-elses", generation: 1 });
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await stranger.ec2.send(new CreateTagsCommand({ Resources: [foreign], Tags }));

  assert.deepEqual(await idsOf(of.stack), []);
});

test("snapshot: it goes, and has gone when it is removed again", async () => {
  const of = await makeVolume();
  const id = await takeSnapshot(ctx, of);
  await removeSnapshot(ctx, id);
  await removeSnapshot(ctx, id);

  assert.deepEqual(await idsOf(of.stack), []);
});
