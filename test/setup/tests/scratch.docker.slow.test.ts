import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../../lib/aws/clients.ts";
import { openLocalAws } from "../../../lib/local/local-aws.ts";
import { openScratch } from "../../../setup/tests/scratch.ts";
import { isAlive, readPid } from "../../local/temporary-aws.ts";

it("a run of the tests takes the embedded AWS along that one of them left running", async () => {
  const scratch = await openScratch();
  const directory = join(scratch.path, "home", "local");
  const aws = await openLocalAws({ directory });
  const pid = await readPid(directory);
  await createClients({ region: "eu-west-1", ...aws }).s3.send(new CreateBucketCommand({ Bucket: "left" }));

  await scratch[Symbol.asyncDispose]();

  assert.ok(!isAlive(pid));
  assert.ok(!existsSync(scratch.path));
});
