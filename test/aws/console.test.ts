import assert from "node:assert/strict";
import { it } from "node:test";
import { RunInstancesCommand } from "@aws-sdk/client-ec2";
import { consoleTail } from "../../lib/aws/console.ts";
import { openTwoRoutes } from "../strict-aws/account.ts";

const { strict, bare } = await openTwoRoutes({ olderConsoles: true });
const ctx = { clients: strict, signal: new AbortController().signal };

it("a console is read also of types that don't show the latest output", async () => {
  const order = new RunInstancesCommand({ ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1 });
  const { Instances: [{ InstanceId = "" } = {}] = [] } = await bare.ec2.send(order);

  const older = await consoleTail(ctx, InstanceId);

  assert.deepEqual(older, await consoleTail({ ...ctx, clients: bare }, InstanceId));
  assert.ok(older.join("").length > 0);
  assert.doesNotMatch(older.join(), /can't be read/);
});

it("a console that can't be read is a line, so that it doesn't take the place of the error that it explains", async () => {
  const [line, ...more] = await consoleTail(ctx, "i-00000000000000000");

  assert.match(line ?? "", /^its console can't be read: .*i-00000000000000000/);
  assert.deepEqual(more, []);
});

it("an interruption is not taken for a console that can't be read", async () => {
  await assert.rejects(consoleTail({ ...ctx, signal: AbortSignal.abort() }, "i-00000000000000000"));
});
