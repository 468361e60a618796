import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as ec2 from "@aws-sdk/client-ec2";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { stateKey } from "../../state/store.ts";
import { losses } from "./losses.ts";
import { linesOf, openDriftingStack } from "./stack.ts";

const { aws, stack, stranger, refresh, operationsSince } = await openDriftingStack("test-losses");

const names = `bucket repository image vpc internet-gateway subnet route-table s3-endpoint security-group
  role instance-profile agent instance release address`.split(/\s+/);
const allIds = () => names.map((name) => [name, stranger.id(name)] as const);

describe("deleted behind Berth's back, it is made again, and nothing else is", () => {
  for (const { what, act, plan, renewed } of losses) {
    it(what, async () => {
      const before = allIds();
      await act(stranger);

      const planned = linesOf((await stack.plan()).plan);
      await stack.up();

      // What up leaves undone, the next one's plan names.
      assert.deepEqual(planned, plan);
      await refresh();
      const changed = before.filter(([name, id]) => stranger.id(name) !== id).map(([name]) => name);
      assert.deepEqual(changed, renewed);
    });
  }

  it("with nothing left to do in the end", async () => {
    assert.deepEqual(linesOf((await stack.plan()).plan), []);
  });
});

describe("what AWS can't change in place", () => {
  it("is replaced: shown with its consequence, the new one first, and only the old one ends", async () => {
    const old = stranger.id("instance");
    const address = stranger.id("address");
    const before = aws.calls.length;
    await stranger.ec2.send(new ec2.StopInstancesCommand({ InstanceIds: [old] }));
    const InstanceType = { Value: "t3.large" };
    await stranger.ec2.send(new ec2.ModifyInstanceAttributeCommand({ InstanceId: old, InstanceType }));

    const { plan } = await stack.plan();
    await stack.up();

    const step = plan.steps.find(({ name }) => name === "instance");
    assert.equal(step?.action, "replace");
    assert.match(step?.consequence ?? "", /boots beside the old one/);
    assert.ok(step?.differences.some(({ field, reason }) => field === "type" && reason !== undefined));
    const order = operationsSince(before, /^(RunInstances|AssociateAddress|TerminateInstances)$/);
    assert.deepEqual(order, ["RunInstances", "AssociateAddress", "TerminateInstances"]);
    await refresh();
    assert.notEqual(stranger.id("instance"), old);
    assert.equal(stranger.id("address"), address);
    assert.deepEqual(await livingInstances(), [stranger.id("instance")]);
    assert.deepEqual(linesOf((await stack.plan()).plan), []);
  });
});

describe("a state document of before a replace that is put back", () => {
  it("makes no second host: the one that is there is found by its later generation", async () => {
    const store = await stack.store();
    const old = (await store.get(stateKey))?.body ?? "";
    const InstanceType = { Value: "t3.large" };
    const InstanceId = stranger.id("instance");
    await stranger.ec2.send(new ec2.StopInstancesCommand({ InstanceIds: [InstanceId] }));
    await stranger.ec2.send(new ec2.ModifyInstanceAttributeCommand({ InstanceId, InstanceType }));
    await stack.up();
    const living = await livingInstances();
    await stranger.s3.send(new PutObjectCommand({ Bucket: stranger.id("bucket"), Key: stateKey, Body: old }));

    const planned = linesOf((await stack.plan()).plan);
    await stack.cli.configure({ ingress: [{ port: 8443 }] });
    await stack.up();

    assert.notDeepEqual(living, [InstanceId]);
    assert.deepEqual({ planned, living: await livingInstances() }, { planned: [], living });
  });
});

async function livingInstances(): Promise<(string | undefined)[]> {
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] }];
  const { Reservations = [] } = await stranger.ec2.send(new ec2.DescribeInstancesCommand({ Filters }));
  return Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId));
}
