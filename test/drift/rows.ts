import * as ec2 from "@aws-sdk/client-ec2";
import * as ecr from "@aws-sdk/client-ecr";
import * as iam from "@aws-sdk/client-iam";
import * as s3 from "@aws-sdk/client-s3";
import type { Clients } from "../../lib/aws/clients.ts";
import { packAgent } from "../../lib/host/bundle.ts";
import { bundleKey } from "../../lib/resources/delivery/agent.ts";
import { releaseKey } from "../../lib/release/document.ts";

/** Access to the stack for somebody else in the same account. */
export interface Stranger extends Clients {
  /** The AWS id of one of the stack's resources. */
  readonly id: (name: string) => string;
}

/** One change that is made outside Berth. */
export interface Row {
  readonly resource: string;
  /** The field that the plan names; several are separated by commas. */
  readonly field: string;
  readonly act: (stranger: Stranger) => Promise<unknown>;
}

const everywhere = "0.0.0.0/0";
const rule = (port: number, cidr: string) => [
  { IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp: cidr }] },
];
const everything = [{ IpProtocol: "-1", IpRanges: [{ CidrIp: everywhere }] }];
const anybody = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" }],
});
const allowAll = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** Changes the stored release. */
const editRelease =
  (edit: object) =>
  async ({ s3: client, id }: Stranger) => {
    const at = { Bucket: id("bucket"), Key: releaseKey };
    const { Body } = await client.send(new s3.GetObjectCommand(at));
    const release: object = JSON.parse((await Body?.transformToString()) ?? "");
    return client.send(new s3.PutObjectCommand({ ...at, Body: JSON.stringify({ ...release, ...edit }) }));
  };

async function profileAssociation({ ec2: client, id }: Stranger): Promise<string | undefined> {
  const Filters = [{ Name: "instance-id", Values: [id("instance")] }];
  const found = await client.send(new ec2.DescribeIamInstanceProfileAssociationsCommand({ Filters }));
  return found.IamInstanceProfileAssociations?.[0]?.AssociationId;
}

export async function tableAssociation({ ec2: client, id }: Stranger): Promise<string | undefined> {
  const RouteTableIds = [id("route-table")];
  const { RouteTables } = await client.send(new ec2.DescribeRouteTablesCommand({ RouteTableIds }));
  return RouteTables?.[0]?.Associations?.[0]?.RouteTableAssociationId;
}

async function otherGroup({ ec2: client, id }: Stranger): Promise<string> {
  const Filters = [
    { Name: "vpc-id", Values: [id("vpc")] },
    { Name: "group-name", Values: ["default"] },
  ];
  const { SecurityGroups } = await client.send(new ec2.DescribeSecurityGroupsCommand({ Filters }));
  return SecurityGroups?.[0]?.GroupId ?? "";
}

export async function wearOtherGroup(aws: Stranger): Promise<unknown> {
  const change = { InstanceId: aws.id("instance"), Groups: [await otherGroup(aws)] };
  return aws.ec2.send(new ec2.ModifyInstanceAttributeCommand(change));
}

/**
 * Every field that Berth sets and that can be changed in place in AWS, in the order of a plan. Only `cpu-credits` is
 * missing: it isn't compared on a host that has just been launched. test/resources/compute/instance.test.ts tests it.
 */
export const changes: readonly Row[] = [
  {
    resource: "bucket",
    field: "public-access",
    act: (aws) => aws.s3.send(new s3.DeletePublicAccessBlockCommand({ Bucket: aws.id("bucket") })),
  },
  {
    resource: "bucket",
    field: "ownership",
    act: (aws) =>
      aws.s3.send(
        new s3.PutBucketOwnershipControlsCommand({
          Bucket: aws.id("bucket"),
          OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
        }),
      ),
  },
  {
    resource: "bucket",
    field: "versioning",
    act: (aws) =>
      aws.s3.send(
        new s3.PutBucketVersioningCommand({
          Bucket: aws.id("bucket"),
          VersioningConfiguration: { Status: "Suspended" },
        }),
      ),
  },
  {
    resource: "bucket",
    field: "encryption",
    // Without a choice of its own, a bucket is encrypted by AES256 all the same.
    act: (aws) =>
      aws.s3.send(
        new s3.PutBucketEncryptionCommand({
          Bucket: aws.id("bucket"),
          ServerSideEncryptionConfiguration: {
            Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
          },
        }),
      ),
  },
  {
    resource: "bucket",
    field: "policy",
    act: (aws) => aws.s3.send(new s3.DeleteBucketPolicyCommand({ Bucket: aws.id("bucket") })),
  },
  {
    resource: "bucket",
    field: "lifecycle",
    act: (aws) => aws.s3.send(new s3.DeleteBucketLifecycleCommand({ Bucket: aws.id("bucket") })),
  },
  {
    resource: "repository",
    field: "tag-mutability",
    act: (aws) =>
      aws.ecr.send(
        new ecr.PutImageTagMutabilityCommand({
          repositoryName: aws.id("repository"),
          imageTagMutability: "MUTABLE",
        }),
      ),
  },
  {
    resource: "repository",
    field: "scan-on-push",
    act: (aws) =>
      aws.ecr.send(
        new ecr.PutImageScanningConfigurationCommand({
          repositoryName: aws.id("repository"),
          imageScanningConfiguration: { scanOnPush: false },
        }),
      ),
  },
  {
    resource: "repository",
    field: "lifecycle",
    act: (aws) =>
      aws.ecr.send(new ecr.DeleteLifecyclePolicyCommand({ repositoryName: aws.id("repository") })),
  },
  {
    resource: "vpc",
    field: "dns-support",
    act: (aws) =>
      aws.ec2.send(
        new ec2.ModifyVpcAttributeCommand({ VpcId: aws.id("vpc"), EnableDnsSupport: { Value: false } }),
      ),
  },
  {
    resource: "vpc",
    field: "dns-hostnames",
    act: (aws) =>
      aws.ec2.send(
        new ec2.ModifyVpcAttributeCommand({ VpcId: aws.id("vpc"), EnableDnsHostnames: { Value: false } }),
      ),
  },
  {
    resource: "internet-gateway",
    field: "vpc",
    act: (aws) =>
      aws.ec2.send(
        new ec2.DetachInternetGatewayCommand({
          InternetGatewayId: aws.id("internet-gateway"),
          VpcId: aws.id("vpc"),
        }),
      ),
  },
  {
    resource: "subnet",
    field: "public-by-default",
    act: (aws) =>
      aws.ec2.send(
        new ec2.ModifySubnetAttributeCommand({
          SubnetId: aws.id("subnet"),
          MapPublicIpOnLaunch: { Value: true },
        }),
      ),
  },
  {
    resource: "route-table",
    field: `routes[${everywhere}]`,
    act: (aws) =>
      aws.ec2.send(
        new ec2.DeleteRouteCommand({
          RouteTableId: aws.id("route-table"),
          DestinationCidrBlock: everywhere,
        }),
      ),
  },
  {
    resource: "route-table",
    field: "subnet",
    act: async (aws) =>
      aws.ec2.send(new ec2.DisassociateRouteTableCommand({ AssociationId: await tableAssociation(aws) })),
  },
  {
    resource: "s3-endpoint",
    field: "route-table",
    act: (aws) =>
      aws.ec2.send(
        new ec2.ModifyVpcEndpointCommand({
          VpcEndpointId: aws.id("s3-endpoint"),
          RemoveRouteTableIds: [aws.id("route-table")],
        }),
      ),
  },
  {
    resource: "security-group",
    field: `ingress[tcp/80 from ${everywhere}]`,
    act: (aws) =>
      aws.ec2.send(
        new ec2.RevokeSecurityGroupIngressCommand({
          GroupId: aws.id("security-group"),
          IpPermissions: rule(80, everywhere),
        }),
      ),
  },
  {
    resource: "security-group",
    field: "ingress[tcp/22 from 203.0.113.0/24]",
    act: (aws) =>
      aws.ec2.send(
        new ec2.AuthorizeSecurityGroupIngressCommand({
          GroupId: aws.id("security-group"),
          IpPermissions: rule(22, "203.0.113.0/24"),
        }),
      ),
  },
  {
    resource: "security-group",
    field: "egress",
    act: (aws) =>
      aws.ec2.send(
        new ec2.RevokeSecurityGroupEgressCommand({
          GroupId: aws.id("security-group"),
          IpPermissions: everything,
        }),
      ),
  },
  {
    resource: "role",
    field: "description",
    act: (aws) =>
      aws.iam.send(new iam.UpdateRoleCommand({ RoleName: aws.id("role"), Description: "Anything" })),
  },
  {
    resource: "role",
    field: "trust",
    act: (aws) =>
      aws.iam.send(
        new iam.UpdateAssumeRolePolicyCommand({ RoleName: aws.id("role"), PolicyDocument: anybody }),
      ),
  },
  {
    resource: "role",
    field: "policy",
    act: (aws) =>
      aws.iam.send(
        new iam.PutRolePolicyCommand({
          RoleName: aws.id("role"),
          PolicyName: "berth",
          PolicyDocument: allowAll,
        }),
      ),
  },
  {
    resource: "instance-profile",
    field: "role",
    act: (aws) =>
      aws.iam.send(
        new iam.RemoveRoleFromInstanceProfileCommand({
          InstanceProfileName: aws.id("instance-profile"),
          RoleName: aws.id("role"),
        }),
      ),
  },
  {
    resource: "instance",
    field: "state",
    act: (aws) => aws.ec2.send(new ec2.StopInstancesCommand({ InstanceIds: [aws.id("instance")] })),
  },
  {
    resource: "instance",
    field: "disk.type",
    act: async (aws) => {
      const Filters = [{ Name: "attachment.instance-id", Values: [aws.id("instance")] }];
      const { Volumes } = await aws.ec2.send(new ec2.DescribeVolumesCommand({ Filters }));
      return aws.ec2.send(
        new ec2.ModifyVolumeCommand({ VolumeId: Volumes?.[0]?.VolumeId, VolumeType: "gp2" }),
      );
    },
  },
  { resource: "instance", field: "security-groups", act: wearOtherGroup },
  {
    resource: "instance",
    field: "profile",
    act: async (aws) =>
      aws.ec2.send(
        new ec2.DisassociateIamInstanceProfileCommand({ AssociationId: await profileAssociation(aws) }),
      ),
  },
  {
    resource: "instance",
    // Changed together, because the emulator resets fields that the call doesn't contain.
    field: "metadata.tokens, metadata.hop-limit, metadata.endpoint",
    act: (aws) =>
      aws.ec2.send(
        new ec2.ModifyInstanceMetadataOptionsCommand({
          InstanceId: aws.id("instance"),
          HttpTokens: "optional",
          HttpPutResponseHopLimit: 5,
          HttpEndpoint: "disabled",
        }),
      ),
  },
  {
    resource: "agent",
    field: "bundle",
    act: ({ s3: client, id }) =>
      client.send(
        new s3.PutObjectCommand({ Bucket: id("bucket"), Key: bundleKey(packAgent().sha256), Body: "x" }),
      ),
  },
  {
    resource: "release",
    field: "image, port, replicas, memoryMib, environment.GREETING",
    act: editRelease({ image: "elsewhere", port: 9999, replicas: 7, memoryMib: 32, environment: {} }),
  },
  {
    resource: "address",
    field: "instance",
    act: async ({ ec2: client, id }) => {
      const AllocationIds = [id("address")];
      const { Addresses } = await client.send(new ec2.DescribeAddressesCommand({ AllocationIds }));
      const { AssociationId } = Addresses?.[0] ?? {};
      return client.send(new ec2.DisassociateAddressCommand({ AssociationId }));
    },
  },
];
