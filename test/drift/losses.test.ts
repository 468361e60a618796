import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as ec2 from "@aws-sdk/client-ec2";
import { BatchDeleteImageCommand, DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import * as iam from "@aws-sdk/client-iam";
import { DeleteBucketCommand, DeleteObjectCommand } from "@aws-sdk/client-s3";
import { localAccount } from "../../lib/local/emulators.ts";
import { emptyBucket } from "../../lib/resources/bucket-contents.ts";
import { releaseKey } from "../../lib/release.ts";
import { tableAssociation, wearOtherGroup, type Stranger } from "./rows.ts";
import { linesOf, openDriftingStack } from "./stack.ts";

const { aws, stack, stranger, refresh, operationsSince } = await openDriftingStack("test-losses");

interface Loss {
  readonly what: string;
  readonly act: (aws: Stranger) => Promise<unknown>;
  /** What the plan says of it, and of what hangs on it. */
  readonly plan: readonly string[];
  /** What is another one afterwards. */
  readonly renewed: readonly string[];
}

async function deleteGateway(by: Stranger): Promise<unknown> {
  const InternetGatewayId = by.id("internet-gateway");
  await by.ec2.send(new ec2.DetachInternetGatewayCommand({ InternetGatewayId, VpcId: by.id("vpc") }));
  return by.ec2.send(new ec2.DeleteInternetGatewayCommand({ InternetGatewayId }));
}

async function deleteTable(by: Stranger): Promise<unknown> {
  const RouteTableId = by.id("route-table");
  const AssociationId = await tableAssociation(by);
  await by.ec2.send(new ec2.DisassociateRouteTableCommand({ AssociationId }));
  return by.ec2.send(new ec2.DeleteRouteTableCommand({ RouteTableId }));
}

async function emptyProfile(by: Stranger): Promise<void> {
  const InstanceProfileName = by.id("instance-profile");
  const RoleName = by.id("role");
  await by.iam.send(new iam.RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName }));
}

async function deleteProfile(by: Stranger): Promise<unknown> {
  await emptyProfile(by);
  const InstanceProfileName = by.id("instance-profile");
  return by.iam.send(new iam.DeleteInstanceProfileCommand({ InstanceProfileName }));
}

async function deleteRole(by: Stranger): Promise<unknown> {
  await emptyProfile(by);
  const RoleName = by.id("role");
  await by.iam.send(new iam.DeleteRolePolicyCommand({ RoleName, PolicyName: "berth" }));
  return by.iam.send(new iam.DeleteRoleCommand({ RoleName }));
}

const deleteRepository = (by: Stranger) =>
  by.ecr.send(new DeleteRepositoryCommand({ repositoryName: by.id("repository"), force: true }));

async function deleteBucket(by: Stranger): Promise<unknown> {
  const Bucket = by.id("bucket");
  const signal = new AbortController().signal;
  await emptyBucket(
    { clients: by, account: localAccount, region: stack.cli.region, signal, note: () => {} },
    Bucket,
  );
  return by.s3.send(new DeleteBucketCommand({ Bucket }));
}

const terminate = (by: Stranger) =>
  by.ec2.send(new ec2.TerminateInstancesCommand({ InstanceIds: [by.id("instance")] }));

async function releaseAddress(by: Stranger): Promise<unknown> {
  const AllocationId = by.id("address");
  const { Addresses } = await by.ec2.send(
    new ec2.DescribeAddressesCommand({ AllocationIds: [AllocationId] }),
  );
  const { AssociationId } = Addresses?.[0] ?? {};
  await by.ec2.send(new ec2.DisassociateAddressCommand({ AssociationId }));
  return by.ec2.send(new ec2.ReleaseAddressCommand({ AllocationId }));
}

async function deleteNetwork(by: Stranger): Promise<void> {
  await terminate(by);
  const VpcEndpointIds = [by.id("s3-endpoint")];
  await by.ec2.send(new ec2.DeleteVpcEndpointsCommand({ VpcEndpointIds }));
  await deleteTable(by);
  await deleteGateway(by);
  await by.ec2.send(new ec2.DeleteSubnetCommand({ SubnetId: by.id("subnet") }));
  await by.ec2.send(new ec2.DeleteSecurityGroupCommand({ GroupId: by.id("security-group") }));
  await by.ec2.send(new ec2.DeleteVpcCommand({ VpcId: by.id("vpc") }));
}

const losses: Loss[] = [
  {
    what: "the image",
    act: (by) =>
      by.ecr.send(
        new BatchDeleteImageCommand({
          repositoryName: by.id("repository"),
          imageIds: [{ imageDigest: by.id("image").split("@")[1] }],
        }),
      ),
    plan: ["create image", "update release: image"],
    renewed: [],
  },
  {
    what: "the repository, with its images",
    act: deleteRepository,
    plan: ["create repository", "create image", "update release: image"],
    renewed: [],
  },
  {
    what: "the bucket, with the state document",
    act: deleteBucket,
    plan: ["create bucket", "create release"],
    renewed: [],
  },
  {
    what: "the release",
    act: (by) => by.s3.send(new DeleteObjectCommand({ Bucket: by.id("bucket"), Key: releaseKey })),
    plan: ["create release"],
    renewed: [],
  },
  {
    what: "the internet gateway",
    act: deleteGateway,
    plan: ["create internet-gateway", "update route-table: routes[0.0.0.0/0]"],
    renewed: ["internet-gateway"],
  },
  {
    what: "the S3 endpoint",
    act: (by) => by.ec2.send(new ec2.DeleteVpcEndpointsCommand({ VpcEndpointIds: [by.id("s3-endpoint")] })),
    plan: ["create s3-endpoint"],
    renewed: ["s3-endpoint"],
  },
  {
    what: "the security group",
    act: async (by) => {
      await wearOtherGroup(by);
      return by.ec2.send(new ec2.DeleteSecurityGroupCommand({ GroupId: by.id("security-group") }));
    },
    plan: ["create security-group", "update instance: security-groups"],
    renewed: ["security-group"],
  },
  {
    what: "the role",
    act: deleteRole,
    plan: ["create role", "update instance-profile: role"],
    renewed: [],
  },
  { what: "the instance profile", act: deleteProfile, plan: ["create instance-profile"], renewed: [] },
  {
    what: "the host",
    act: terminate,
    plan: ["create instance", "update release: host <new instance>", "update address: instance"],
    renewed: ["instance"],
  },
  { what: "the address", act: releaseAddress, plan: ["create address"], renewed: ["address"] },
  {
    what: "the whole network, with the host",
    act: deleteNetwork,
    plan: [
      "create vpc",
      "create internet-gateway",
      "create subnet",
      "create route-table",
      "create s3-endpoint",
      "create security-group",
      "create instance",
      "update release: host <new instance>",
      "update address: instance",
    ],
    renewed: [
      "vpc",
      "internet-gateway",
      "subnet",
      "route-table",
      "s3-endpoint",
      "security-group",
      "instance",
    ],
  },
  // The last of the network: the emulator deletes no endpoint whose table was deleted before.
  {
    what: "the route table",
    act: deleteTable,
    plan: ["create route-table", "update s3-endpoint: route-table"],
    renewed: ["route-table"],
  },
];

const names = `bucket repository image vpc internet-gateway subnet route-table s3-endpoint security-group
  role instance-profile instance release address`.split(/\s+/);
const allIds = () => names.map((name) => [name, stranger.id(name)] as const);

describe("deleted behind Berth's back, it is made again, and nothing else is", { timeout: 90_000 }, () => {
  for (const { what, act, plan, renewed } of losses) {
    it(what, async () => {
      const before = allIds();
      await act(stranger);

      const planned = linesOf((await stack.plan()).plan);
      await stack.up();
      const left = linesOf((await stack.plan()).plan);

      assert.deepEqual({ planned, left }, { planned: plan, left: [] });
      await refresh();
      const changed = before.filter(([name, id]) => stranger.id(name) !== id).map(([name]) => name);
      assert.deepEqual(changed, renewed);
    });
  }
});

describe("what AWS can't change in place", { timeout: 60_000 }, () => {
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

async function livingInstances(): Promise<(string | undefined)[]> {
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] }];
  const { Reservations = [] } = await stranger.ec2.send(new ec2.DescribeInstancesCommand({ Filters }));
  return Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId));
}
