import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuthorizeSecurityGroupIngressCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type IpPermission,
} from "@aws-sdk/client-ec2";
import type { Clients } from "../../../lib/aws/clients.ts";
import { securityGroup, type ObservedSecurityGroup } from "../../../lib/resources/network/security-group.ts";
import { vpc } from "../../../lib/resources/network/vpc.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx } = account;

const web = { protocol: "tcp", port: 80, cidr: "0.0.0.0/0" } as const;
const dns = { protocol: "udp", port: 53, cidr: "10.0.0.0/8" } as const;

const prepare = async () => ({
  vpcId: await vpc.create(ctx, newIdentity("vpc"), { cidr: "10.20.0.0/16" }),
  name: "berth-hello",
  description: "What may come in",
  ingress: [web, dns],
});

const let_in =
  (permission: (observed: ObservedSecurityGroup) => IpPermission) =>
  (stranger: Clients, observed: ObservedSecurityGroup) =>
    stranger.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: observed.id,
        IpPermissions: [permission(observed)],
      }),
    );

const ssh = { IpProtocol: "tcp", FromPort: 22, ToPort: 22 };

resourceSuite({
  account,
  resource: securityGroup,
  prepare,
  creation: ["CreateSecurityGroup"],
  drifts: [
    {
      field: "ingress[tcp/80 from 0.0.0.0/0]",
      act: ({ ec2 }, { id, ingress }) =>
        ec2.send(
          new RevokeSecurityGroupIngressCommand({
            GroupId: id,
            IpPermissions: [ingress["tcp/80 from 0.0.0.0/0"] ?? {}],
          }),
        ),
    },
    {
      field: "ingress[tcp/22 from 203.0.113.0/24]",
      act: let_in(() => ({ ...ssh, IpRanges: [{ CidrIp: "203.0.113.0/24", Description: "me" }] })),
    },
    {
      field: "ingress[tcp/22 from ::/0]",
      act: let_in(() => ({ ...ssh, Ipv6Ranges: [{ CidrIpv6: "::/0" }] })),
    },
    {
      field: "ingress[tcp/80 from 198.51.100.0/24]",
      act: let_in(() => ({
        IpProtocol: "tcp",
        FromPort: 80,
        ToPort: 80,
        IpRanges: [{ CidrIp: "198.51.100.0/24" }],
      })),
    },
    {
      field: "ingress[tcp/8000-9000 from 0.0.0.0/0]",
      act: let_in(() => ({
        IpProtocol: "tcp",
        FromPort: 8000,
        ToPort: 9000,
        IpRanges: [{ CidrIp: "0.0.0.0/0" }],
      })),
    },
    {
      field: "ingress[all from sg-",
      act: let_in(({ id }) => ({ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: id }] })),
    },
    {
      field: "egress",
      act: ({ ec2 }, { id }) =>
        ec2.send(
          new RevokeSecurityGroupEgressCommand({
            GroupId: id,
            IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }],
          }),
        ),
    },
  ],
  replacements: {
    vpc: (desired) => ({ ...desired, vpcId: "vpc-0123456789abcdef0" }),
    name: (desired) => ({ ...desired, name: "another" }),
    description: (desired) => ({ ...desired, description: "Another" }),
  },
});

test("security group: a changed declaration opens the new port and closes the old one", async () => {
  const identity = newIdentity("security-group");
  const desired = await prepare();
  const id = await securityGroup.create(ctx, identity, desired);
  const reach = async (ingress: typeof desired.ingress) => {
    const observed = await securityGroup.find(ctx, identity, id);
    assert.ok(observed);
    const declaration = { ...desired, ingress };
    const differences = securityGroup.differences(identity, declaration, observed);
    await securityGroup.update(ctx, { identity, desired: declaration, observed, differences });
    return differences.map((one) => `${one.field}: ${one.observed} -> ${one.desired}`);
  };
  await reach([web, web, dns]);

  assert.deepEqual(await reach([dns]), ["ingress[tcp/80 from 0.0.0.0/0]: allowed -> none"]);
  assert.deepEqual(await reach([dns]), []);
});

test("security group: a replacement stands beside the old group in the same VPC", async () => {
  const identity = newIdentity("security-group");
  const desired = await prepare();
  const old = await securityGroup.create(ctx, identity, desired);

  const id = await securityGroup.create(
    ctx,
    { ...identity, generation: 2 },
    { ...desired, description: "Another" },
  );

  assert.notEqual(id, old);
});
