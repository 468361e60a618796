import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { lookupMachineImage } from "../../../lib/aws/lookup.ts";
import { address } from "../../../lib/resources/network/address.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";
import { makeNetwork } from "./network.ts";

const account = await openAccount();
const { ctx, stranger } = account;
// Looked up once: the emulator takes a second to list all images that there are.
const image = await lookupMachineImage(ctx, "debian-13", "x86_64");

async function runInstance(): Promise<string> {
  const { subnetId } = await makeNetwork(account);
  const run = new RunInstancesCommand({
    ImageId: image.imageId,
    InstanceType: "t3.micro",
    SubnetId: subnetId,
    MinCount: 1,
    MaxCount: 1,
  });
  const { Instances = [] } = await stranger.ec2.send(run);
  return Instances[0]?.InstanceId ?? "";
}

resourceSuite({
  account,
  resource: address,
  prepare: async () => ({ instanceId: await runInstance() }),
  creation: ["AllocateAddress"],
  drifts: [
    {
      field: "instance",
      act: ({ ec2 }, { associationId }) =>
        ec2.send(new DisassociateAddressCommand({ AssociationId: associationId })),
    },
    {
      field: "instance",
      act: async ({ ec2 }, { id }) =>
        ec2.send(
          new AssociateAddressCommand({
            AllocationId: id,
            InstanceId: await runInstance(),
            AllowReassociation: true,
          }),
        ),
    },
  ],
  replacements: {},
});

test("address: it moves to a new instance and stays the same", async () => {
  const identity = newIdentity("address");
  const [first, second] = [await runInstance(), await runInstance()];
  const id = await address.create(ctx, identity, { instanceId: first });
  const seen: string[] = [];
  for (const instanceId of [first, second]) {
    const observed = await address.find(ctx, identity, id);
    assert.ok(observed);
    const differences = address.differences(identity, { instanceId }, observed);
    await address.update(ctx, { identity, desired: { instanceId }, observed, differences });
    seen.push(observed.publicIp);
  }

  const { Addresses = [] } = await stranger.ec2.send(new DescribeAddressesCommand({ AllocationIds: [id] }));
  assert.deepEqual(
    Addresses.map((one) => one.InstanceId),
    [second],
  );
  assert.deepEqual(seen, [Addresses[0]?.PublicIp, Addresses[0]?.PublicIp]);
});

test("address: somebody else's is not found, and not listed", async () => {
  const identity = newIdentity("address");
  await stranger.ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));

  assert.equal(await address.find(ctx, identity), undefined);
  assert.deepEqual(await address.list(ctx, identity.stack), []);
});
