import { CreateVpcCommand } from "@aws-sdk/client-ec2";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as nextTurn } from "node:timers/promises";
import { writeWithoutBucket } from "../../lib/deploy/lease.ts";
import { openJournal } from "../../lib/deploy/converging.ts";
import type { WriteContext } from "../../lib/contract/resource.ts";
import { newDocument } from "../../state/document.ts";
import { leaseKey } from "../../state/lease/lease.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { openInProcess } from "../strict-aws/in-process.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-lease-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const stack = await openInProcess({ aws, directory, stack: "leased" });
after(async () => {
  await stack[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
await stack.up();
process.env["BERTH_LEASE_SECONDS"] = "1";

const write = ({ clients }: Pick<WriteContext, "clients">) =>
  clients.ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
const sent = () => aws.calls.filter(({ operation }) => operation === "CreateVpc").length;

describe("what may write to AWS", () => {
  it("isn't a session, whatever its command is", async () => {
    await stack.hold(async (session) => {
      const before = sent();
      await assert.rejects(write(session.ctx), { code: "WriteRefused" });
      assert.equal(sent(), before);
    });
  });

  it("is what the lease hands out, as long as nobody else has it", async () => {
    await stack.hold(async ({ store }, { lease, writeContext }) => {
      const ctx = writeContext();
      const before = sent();
      await write(ctx);
      assert.equal(sent(), before + 1);
      const theirs = await takeOver(store);
      // Heartbeats find it out, a third of the lease's life apart.
      while (
        await lease.assertHeld().then(
          () => true,
          () => false,
        )
      )
        await nextTurn(10);
      await assert.rejects(write(ctx), { code: "LeaseLost" });
      assert.equal(sent(), before + 1);
      await store.remove(leaseKey, theirs.etag);
    });
  });

  it("stops when what it notes can't be saved any more", async () => {
    await stack.hold(async (session, { writeContext }) => {
      // Without the version that is stored it would have to be the first.
      const journal = openJournal(session, { document: newDocument(session.scope) });
      const ctx = writeContext(journal);
      journal.note((document) => document);
      await assert.rejects(journal.flush(), { code: "StateConflict" });
      const before = sent();
      await assert.rejects(write(ctx), { code: "StateConflict" });
      assert.equal(sent(), before);
    });
  });

  it("is let through where there is no bucket to hold a lease", async () => {
    await stack.hold(async (session) => {
      const before = sent();
      await write(writeWithoutBucket(session));
      assert.equal(sent(), before + 1);
    });
  });
});

/** Between a look and the write a heartbeat may come: then there is another version to write over. */
async function takeOver(store: ObjectStore): Promise<{ readonly etag: string }> {
  for (;;) {
    const { etag } = (await store.get(leaseKey)) ?? assert.fail("there is no lease");
    const theirs = await store.put(leaseKey, "{}", etag);
    if (theirs !== "lost") return theirs;
  }
}
