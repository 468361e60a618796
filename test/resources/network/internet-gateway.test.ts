import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AttachInternetGatewayCommand,
  CreateVpcCommand,
  DetachInternetGatewayCommand,
} from "@aws-sdk/client-ec2";
import { internetGateway } from "../../../lib/resources/network/internet-gateway.ts";
import { vpc } from "../../../lib/resources/network/vpc.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";
import { makeNetwork } from "./network.ts";

const account = await openAccount();
const { ctx, stranger } = account;

resourceSuite({
  account,
  resource: internetGateway,
  prepare: async () => ({ vpcId: await vpc.create(ctx, newIdentity("vpc"), { cidr: "10.20.0.0/16" }) }),
  creation: ["CreateInternetGateway"],
  drifts: [
    {
      field: "vpc",
      act: async ({ ec2 }, { id }, { vpcId }) =>
        ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId: vpcId })),
    },
  ],
  replacements: { vpc: () => ({ vpcId: "vpc-0123456789abcdef0" }) },
});

test("internet gateway: attached to another VPC by somebody, it is left there and replaced", async () => {
  const { vpcId, gatewayId } = await makeNetwork(account);
  const { Vpc } = await stranger.ec2.send(new CreateVpcCommand({ CidrBlock: "10.40.0.0/16" }));
  const theirs = Vpc?.VpcId ?? "";
  await stranger.ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: vpcId }));
  await stranger.ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: theirs }));
  const identity = newIdentity("internet-gateway");

  const observed = { id: gatewayId, vpcId: theirs, tags: identity.tags };
  const [difference] = internetGateway.differences(identity, { vpcId }, observed);

  assert.deepEqual(difference, {
    field: "vpc",
    desired: vpcId,
    observed: theirs,
    action: "replace",
    reason: "it is attached to another VPC",
  });
});
