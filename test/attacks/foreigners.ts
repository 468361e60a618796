import {
  AllocateAddressCommand,
  CreateVpcCommand,
  DescribeAddressesCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { CreateRoleCommand, GetRoleCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, HeadBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Clients } from "../../lib/aws/clients.ts";
import { region } from "../commands/stack.ts";

/** something that isn't the stack's: how it is made, and whether it is still there. */
export interface Foreign {
  readonly kind: string;
  readonly make: (clients: Clients, name: string) => Promise<string>;
  readonly isThere: (clients: Clients, id: string) => Promise<unknown>;
}

export const foreigners: readonly Foreign[] = [
  {
    kind: "vpc",
    make: async ({ ec2 }) =>
      (await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }))).Vpc?.VpcId ?? "",
    isThere: ({ ec2 }, id) => ec2.send(new DescribeVpcsCommand({ VpcIds: [id] })),
  },
  {
    kind: "address",
    make: async ({ ec2 }) =>
      (await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }))).AllocationId ?? "",
    isThere: ({ ec2 }, id) => ec2.send(new DescribeAddressesCommand({ AllocationIds: [id] })),
  },
  {
    kind: "role",
    make: async ({ iam }, RoleName) => {
      await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: "{}" }));
      return RoleName;
    },
    isThere: ({ iam }, RoleName) => iam.send(new GetRoleCommand({ RoleName })),
  },
  {
    kind: "bucket",
    make: async ({ s3 }, Bucket) => {
      const CreateBucketConfiguration = { LocationConstraint: region } as const;
      await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
      await s3.send(new PutObjectCommand({ Bucket, Key: "dear", Body: "x" }));
      return Bucket;
    },
    isThere: ({ s3 }, Bucket) => s3.send(new HeadBucketCommand({ Bucket })),
  },
];
