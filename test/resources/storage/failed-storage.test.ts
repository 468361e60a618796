import assert from "node:assert/strict";
import { test } from "node:test";
import { attachData } from "../../../lib/resources/compute/data-attachment.ts";
import { listDataSnapshots, takeFinalSnapshot } from "../../../lib/resources/storage/data-snapshot.ts";
import { dataVolume } from "../../../lib/resources/storage/data-volume.ts";
import { newIdentity, openAccount } from "../account.ts";

const zone = "eu-central-1a";

async function openFailing(fails: { readonly volumes?: number; readonly snapshots?: number }) {
  const account = await openAccount({ rules: { failedStorage: fails } });
  const identity = newIdentity("data-volume");
  const volumeId = await dataVolume.create(account.ctx, identity, { gib: 1, zone });
  const writes = () => account.calls.flatMap(({ kind, operation }) => (kind === "write" ? [operation] : []));
  return { ...account, of: { stack: identity.stack, volumeId, userTags: {} }, volumeId, writes };
}

test("a snapshot that AWS can't complete is said, the volume stays, and the next run takes another one", async () => {
  const { ctx, of, volumeId } = await openFailing({ snapshots: 1 });

  await assert.rejects(takeFinalSnapshot(ctx, of), ({ code, message, hint }) => {
    assert.equal(code, "SnapshotFailed");
    assert.match(message, /^AWS could not complete snapshot snap-\w+; the volume is still there$/);
    assert.match(hint, /takes another one/);
    return true;
  });
  assert.equal((await dataVolume.list(ctx, of.stack))[0]?.id, volumeId);

  const second = await takeFinalSnapshot(ctx, of);
  const taken = await listDataSnapshots(ctx, of.stack);
  assert.equal(taken.find(({ id }) => id === second)?.state, "completed");
  assert.equal(taken.length, 2);
});

test("a volume in error is said when it would be attached, without a write", async () => {
  const { ctx, of, volumeId, writes } = await openFailing({ volumes: 1 });
  const before = writes().length;

  await assert.rejects(attachData(ctx, { stack: of.stack, volumeId, instanceId: "i-0123456789abcdef0" }), {
    code: "VolumeFailed",
    message: `AWS says that data volume ${volumeId} is in the state "error"`,
  });
  assert.equal(writes().length, before);
});

test("a volume in error is said at once when its last snapshot would be taken, without a write", async () => {
  const { ctx, of, volumeId, writes } = await openFailing({ volumes: 1 });
  const before = writes().length;

  await assert.rejects(takeFinalSnapshot(ctx, of), { code: "VolumeFailed", message: new RegExp(volumeId) });
  assert.equal(writes().length, before);
});
