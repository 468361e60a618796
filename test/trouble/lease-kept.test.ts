import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { stackNames } from "../../lib/stack.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import type { RefusedFault } from "../strict-aws/faults.ts";
import { openInProcess } from "../strict-aws/in-process.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-lease-kept-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const stack = await openInProcess({ aws, directory, stack: "test-lease-kept" });
const { region } = stack.cli;
const { bucket } = stackNames({ stack: stack.cli.stack, region }, localAccount);
const { s3 } = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
after(async () => {
  await stack[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await aws.reset();
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" } as const;
  await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
});

const isReturn = ({ operation, url }: { readonly operation: string; readonly url: string }) =>
  operation === "DeleteObject" && url.includes("lease.json");

describe("a lease that can't be given back", () => {
  for (const fault of ["denied", "503"] satisfies RefusedFault[]) {
    it(`makes no failure of work that is done: ${fault}`, async () => {
      const refused = aws.faults.always(isReturn, fault);
      const told: string[] = [];

      const result = await stack.hold(() => Promise.resolve("done"), { told });

      assert.equal(result, "done");
      assert.ok(refused.hits > 0);
      assert.match(
        told.join("\n"),
        new RegExp(`warning: .*s3://${bucket}/lease\\.json.*expires by itself in \\d+ s`),
      );
    });
  }

  it("hides nothing of what failed before", async () => {
    aws.faults.always(isReturn, "denied");
    const failing = stack.hold(() => Promise.reject(new Error("the work failed")));
    await assert.rejects(failing, /the work failed/);
  });

  it("says nothing when it is given back", async () => {
    const told: string[] = [];
    await stack.hold(() => Promise.resolve(), { told });
    assert.deepEqual(told, []);
  });
});
