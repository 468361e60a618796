import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateVpcCommand, DescribeVpcsCommand, ModifyVpcAttributeCommand } from "@aws-sdk/client-ec2";
import { tagSpecifications } from "../../../lib/aws/tags.ts";
import { subnet } from "../../../lib/resources/network/subnet.ts";
import { vpc } from "../../../lib/resources/network/vpc.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;
const cidr = "10.20.0.0/16";

resourceSuite({
  account,
  resource: vpc,
  prepare: async () => ({ cidr }),
  creation: ["CreateVpc"],
  drifts: [
    {
      field: "dns-support",
      act: async ({ ec2 }, { id }) =>
        ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsSupport: { Value: false } })),
    },
    {
      field: "dns-hostnames",
      act: async ({ ec2 }, { id }) =>
        ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value: false } })),
    },
  ],
  replacements: { cidr: () => ({ cidr: "10.30.0.0/16" }) },
});

test("vpc: two with the same tags are told apart by their ids, and never chosen between", async () => {
  const identity = newIdentity("vpc");
  const id = await vpc.create(ctx, identity, { cidr });
  const twin = new CreateVpcCommand({
    CidrBlock: cidr,
    TagSpecifications: tagSpecifications(identity.tags, "vpc"),
  });
  const { Vpc } = await stranger.ec2.send(twin);

  await assert.rejects(vpc.find(ctx, identity), (error: Error & { code?: string }) => {
    assert.equal(error.code, "AmbiguousResource");
    return error.message.includes(id) && error.message.includes(Vpc?.VpcId ?? "?");
  });
  assert.equal((await vpc.find(ctx, identity, id))?.id, id);
});

test("vpc: what keeps it from going is named, and the wait is bounded", async () => {
  const vpcId = await vpc.create(ctx, newIdentity("vpc"), { cidr });
  const subnetId = await subnet.create(ctx, newIdentity("subnet"), { vpcId, cidrs: [cidr] });
  const hurried = { ...ctx, timings: { ...ctx.timings, timeoutMs: 100 } };

  await assert.rejects(
    vpc.remove(hurried, vpcId),
    (error: Error & { code?: string; detail?: readonly string[] }) => {
      assert.equal(error.code, "TimedOut");
      return error.detail?.join().includes(subnetId) ?? false;
    },
  );
  const { Vpcs = [] } = await stranger.ec2.send(new DescribeVpcsCommand({ VpcIds: [vpcId] }));
  assert.equal(Vpcs.length, 1);
});
