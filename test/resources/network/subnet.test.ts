import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateNetworkInterfaceCommand,
  CreateSubnetCommand,
  DeleteNetworkInterfaceCommand,
  ModifySubnetAttributeCommand,
} from "@aws-sdk/client-ec2";
import { subnet } from "../../../lib/resources/network/subnet.ts";
import { vpc } from "../../../lib/resources/network/vpc.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;
const makeVpc = () => vpc.create(ctx, newIdentity("vpc"), { cidr: "10.20.0.0/16" });

resourceSuite({
  account,
  resource: subnet,
  prepare: async () => ({
    vpcId: await makeVpc(),
    cidrs: ["10.20.0.0/24", "10.20.1.0/24"],
    zones: ["eu-central-1b", "eu-central-1c"],
  }),
  creation: ["CreateSubnet"],
  drifts: [
    {
      field: "public-by-default",
      act: async ({ ec2 }, { id }) =>
        ec2.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch: { Value: true } })),
    },
  ],
  replacements: {
    vpc: (desired) => ({ ...desired, vpcId: "vpc-0123456789abcdef0" }),
    cidr: (desired) => ({ ...desired, cidrs: ["10.20.2.0/24"] }),
    zone: (desired) => ({ ...desired, zones: ["eu-central-1a"] }),
  },
});

test("subnet: any zone will do when none is asked for", async () => {
  const identity = newIdentity("subnet");
  const desired = { vpcId: await makeVpc(), cidrs: ["10.20.0.0/24"] };
  const id = await subnet.create(ctx, identity, desired);

  const observed = await subnet.find(ctx, identity, id);

  assert.match(observed?.zone ?? "", /^eu-central-1[a-c]$/);
  assert.deepEqual(observed && subnet.differences(identity, desired, observed), []);
});

test("subnet: a stranger's network interface in it blocks its removal, and is named until it is gone", async () => {
  const identity = newIdentity("subnet");
  const id = await subnet.create(ctx, identity, { vpcId: await makeVpc(), cidrs: ["10.20.0.0/24"] });
  const { NetworkInterface: theirs } = await stranger.ec2.send(
    new CreateNetworkInterfaceCommand({ SubnetId: id, Description: "theirs" }),
  );
  const NetworkInterfaceId = theirs?.NetworkInterfaceId;
  const impatient = { ...ctx, timings: { firstMs: 1, longestMs: 1, timeoutMs: 10 } };

  await assert.rejects(subnet.remove(impatient, id), {
    code: "TimedOut",
    detail: [`Last seen: subnet ${id} is in use by network interface ${NetworkInterfaceId} (theirs)`],
  });
  await stranger.ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }));
  await subnet.remove(ctx, id);

  assert.equal(await subnet.find(ctx, identity, id), undefined);
});

test("subnet: takes the second block while the one that it replaces has the first", async () => {
  const vpcId = await makeVpc();
  const cidrs = ["10.20.0.0/24", "10.20.1.0/24"];
  const old = await subnet.create(ctx, newIdentity("subnet"), { vpcId, cidrs, zones: ["eu-central-1a"] });
  const identity = newIdentity("subnet");

  const id = await subnet.create(ctx, identity, { vpcId, cidrs, zones: ["eu-central-1b"] });

  const { cidr, zone } = (await subnet.find(ctx, identity, id)) ?? {};
  assert.deepEqual(
    { isNew: id !== old, cidr, zone },
    { isNew: true, cidr: "10.20.1.0/24", zone: "eu-central-1b" },
  );
});

test("subnet: the block that a lost reply made its own is no other's", async () => {
  const vpcId = await makeVpc();
  const cidrs = ["10.20.0.0/24", "10.20.1.0/24"];
  const identity = newIdentity("subnet");

  const [first, again] = [
    await subnet.create(ctx, identity, { vpcId, cidrs }),
    await subnet.create(ctx, identity, { vpcId, cidrs }),
  ];

  assert.equal(again, first);
});

test("subnet: says so when there is no room", async () => {
  const vpcId = await makeVpc();
  const cidrs = ["10.20.0.0/24"];
  await stranger.ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: "10.20.0.0/20" }));

  await assert.rejects(subnet.create(ctx, newIdentity("subnet"), { vpcId, cidrs }), { code: "NetworkFull" });
});
