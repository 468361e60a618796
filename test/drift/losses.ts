import * as ec2 from "@aws-sdk/client-ec2";
import { BatchDeleteImageCommand, DeleteRepositoryCommand } from "@aws-sdk/client-ecr";
import * as iam from "@aws-sdk/client-iam";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { bucket } from "../../lib/resources/storage/bucket.ts";
import { toWriteContext } from "../../lib/contract/resource.ts";
import { packAgent } from "../../lib/host/bundle.ts";
import { agentKey, bundleKey } from "../../lib/resources/delivery/agent.ts";
import { releaseKey } from "../../lib/release/document.ts";
import { tableAssociation, wearOtherGroup, type Stranger } from "./rows.ts";

/** One resource of the stack that is deleted outside Berth. */
export interface Loss {
  readonly what: string;
  readonly act: (aws: Stranger) => Promise<unknown>;
  /** The plan's lines for the resource and for those that depend on it. */
  readonly plan: readonly string[];
  /** The resources that have been replaced afterwards. */
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

/** Creates the profile again as it was, but with another id. */
async function remakeProfile(by: Stranger): Promise<unknown> {
  const InstanceProfileName = by.id("instance-profile");
  const { InstanceProfile } = await by.iam.send(new iam.GetInstanceProfileCommand({ InstanceProfileName }));
  const { Path, Tags } = InstanceProfile ?? {};
  await deleteProfile(by);
  await by.iam.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName, Path, Tags }));
  const RoleName = by.id("role");
  return by.iam.send(new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
}

async function deleteRole(by: Stranger): Promise<unknown> {
  await emptyProfile(by);
  const RoleName = by.id("role");
  await by.iam.send(new iam.DeleteRolePolicyCommand({ RoleName, PolicyName: "berth" }));
  return by.iam.send(new iam.DeleteRoleCommand({ RoleName }));
}

const deleteRepository = (by: Stranger) =>
  by.ecr.send(new DeleteRepositoryCommand({ repositoryName: by.id("repository"), force: true }));

/** Deletes the bucket as Berth does, because a host may write its report between emptying and deleting it. */
async function deleteBucket(by: Stranger): Promise<void> {
  const region = await by.s3.config.region();
  const { signal } = new AbortController();
  const ctx = { clients: by, account: localAccount, region, signal, note: () => {} };
  await bucket.remove(toWriteContext(ctx, by), by.id("bucket"));
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

/** Every resource of a stack, one after the other. */
export const losses: readonly Loss[] = [
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
    plan: ["create bucket", "create agent", "create release", "create https"],
    renewed: [],
  },
  {
    what: "the release",
    act: (by) => by.s3.send(new DeleteObjectCommand({ Bucket: by.id("bucket"), Key: releaseKey })),
    plan: ["create release"],
    renewed: [],
  },
  {
    what: "the agent that hosts are told to run",
    act: (by) => by.s3.send(new DeleteObjectCommand({ Bucket: by.id("bucket"), Key: agentKey })),
    plan: ["create agent"],
    renewed: [],
  },
  {
    what: "the agent's bundle",
    act: async (by) => {
      const Key = bundleKey(packAgent().sha256);
      return by.s3.send(new DeleteObjectCommand({ Bucket: by.id("bucket"), Key }));
    },
    plan: ["update agent: bundle"],
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
  {
    what: "the instance profile",
    act: deleteProfile,
    plan: ["create instance-profile", "update instance: profile"],
    renewed: [],
  },
  {
    what: "the instance profile, which somebody made again",
    act: remakeProfile,
    plan: ["update instance: profile"],
    renewed: [],
  },
  {
    what: "the host",
    act: terminate,
    plan: ["create instance", "update release: host <new instance>", "update address: instance"],
    renewed: ["instance"],
  },
  {
    what: "the address",
    act: releaseAddress,
    plan: ["create address", "update https: address"],
    renewed: ["address"],
  },
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
  {
    what: "the route table",
    act: async (by) => {
      // Otherwise the emulator would still list the table there, and could never delete the endpoint.
      const RemoveRouteTableIds = [by.id("route-table")];
      const VpcEndpointId = by.id("s3-endpoint");
      await by.ec2.send(new ec2.ModifyVpcEndpointCommand({ VpcEndpointId, RemoveRouteTableIds }));
      return deleteTable(by);
    },
    plan: ["create route-table", "update s3-endpoint: route-table"],
    renewed: ["route-table"],
  },
];
