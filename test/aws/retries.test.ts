import {
  AllocateAddressCommand,
  CreateInternetGatewayCommand,
  CreateRouteTableCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DescribeVpcsCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand } from "@aws-sdk/client-ecr";
import { CreateInstanceProfileCommand, CreateRoleCommand } from "@aws-sdk/client-iam";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { callKind, createClients } from "../../lib/aws/clients.ts";
import { LostReply } from "../../lib/errors.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import type { Fault } from "../strict-aws/faults.ts";

const logDirectory = await mkdtemp(join(tmpdir(), "berth-retries-"));
const aws = await startStrictAws({ logDirectory });
after(async () => {
  await aws[Symbol.asyncDispose]();
  await rm(logDirectory, { recursive: true, force: true });
});
afterEach(() => aws.faults.clear());
const { endpoints, credentials } = aws;
const { ec2, ecr, iam } = createClients({ region: "eu-central-1", endpoints, credentials, maxAttempts: 2 });

/** What a call comes to that is struck each time, and how many times it was sent. */
async function struck(fault: Fault, call: () => Promise<unknown>) {
  const planned = aws.faults.always("*", fault);
  const error: unknown = await call().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  planned.stop();
  return { error, isLost: error instanceof LostReply, tries: planned.hits };
}

const createVpc = () => ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));

describe("a create without a client token", () => {
  const AssumeRolePolicyDocument = "{}";
  const creates: Readonly<Record<string, () => Promise<unknown>>> = {
    AllocateAddress: () => ec2.send(new AllocateAddressCommand({})),
    CreateInstanceProfile: () => iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "a" })),
    CreateInternetGateway: () => ec2.send(new CreateInternetGatewayCommand({})),
    CreateRepository: () => ecr.send(new CreateRepositoryCommand({ repositoryName: "a" })),
    CreateRole: () => iam.send(new CreateRoleCommand({ RoleName: "a", AssumeRolePolicyDocument })),
    CreateRouteTable: () => ec2.send(new CreateRouteTableCommand({ VpcId: "vpc-1" })),
    CreateSecurityGroup: () => ec2.send(new CreateSecurityGroupCommand({ GroupName: "a", Description: "a" })),
    CreateSubnet: () => ec2.send(new CreateSubnetCommand({ VpcId: "vpc-1", CidrBlock: "10.0.0.0/24" })),
    CreateVpc: createVpc,
    CreateVpcEndpoint: () => ec2.send(new CreateVpcEndpointCommand({ VpcId: "vpc-1", ServiceName: "s3" })),
  };
  for (const [operation, call] of Object.entries(creates)) {
    it(`is sent once when its reply gets lost: ${operation}`, async () => {
      const { error, isLost, tries } = await struck("before", call);

      assert.equal(isLost, true);
      assert.equal(tries, 1);
      assert.match(String(error), new RegExp(`${operation} may have taken effect`));
    });
  }

  it("is a lost one too when AWS itself fails in the middle of it", async () => {
    for (const fault of ["500", "503", "after"] as const) {
      const { isLost, tries } = await struck(fault, createVpc);
      assert.deepEqual([isLost, tries], [true, 1], fault);
    }
  });

  it("is sent again when AWS asks to slow down, and that is what is said in the end", async () => {
    for (const fault of ["throttle", "429"] as const) {
      const { error, isLost, tries } = await struck(fault, createVpc);
      assert.deepEqual([isLost, tries], [false, 2], fault);
      assert.equal(error instanceof Error && error.name, "RequestLimitExceeded");
    }
  });

  it("that is refused is not lost, and not sent again", async () => {
    const { error, isLost, tries } = await struck("denied", createVpc);

    assert.deepEqual([isLost, tries], [false, 1]);
    assert.equal(error instanceof Error && error.name, "UnauthorizedOperation");
  });

  it("is not lost where nobody was reached", async () => {
    const nowhere = { ...endpoints, ec2: "http://127.0.0.1:9" };
    const clients = createClients({
      region: "eu-central-1",
      endpoints: nowhere,
      credentials,
      maxAttempts: 1,
    });

    await assert.rejects(clients.ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" })), {
      code: "ECONNREFUSED",
    });
  });
});

describe("any other call", () => {
  const run = new RunInstancesCommand({ MinCount: 1, MaxCount: 1, ImageId: "ami-1" });

  it("is sent again when its reply gets lost: a read, and a create that AWS knows again by its token", async () => {
    for (const call of [() => ec2.send(new DescribeVpcsCommand({})), () => ec2.send(run)]) {
      const { isLost, tries } = await struck("before", call);
      assert.deepEqual([isLost, tries], [false, 2]);
    }
  });

  it("is tried six times unless told otherwise", async () => {
    const clients = createClients({ region: "eu-central-1", endpoints, credentials });

    assert.equal(await clients.ec2.config.maxAttempts(), 6);
    assert.equal(await ec2.config.maxAttempts(), 2);
  });
});

describe("a call's kind", () => {
  const kinds = {
    read: [
      "DescribeVpcs",
      "GetObject",
      "ListBuckets",
      "HeadBucket",
      "BatchGetImage",
      "BatchCheckLayerAvailability",
      "GetCallerIdentity",
    ],
    write: [
      "CreateVpc",
      "PutObject",
      "DeleteObject",
      "RunInstances",
      "TerminateInstances",
      "ModifyVolume",
      "BatchDeleteImage",
      "AttachInternetGateway",
      "UpdateRole",
      "TagRole",
      "AssociateAddress",
      "ForgetObject",
      "CreateListener",
      "RevokeSecurityGroupIngress",
      "Unknown",
    ],
  };
  for (const kind of ["read", "write"] as const)
    it(`is ${kind}: ${kinds[kind].join(", ")}`, () =>
      assert.deepEqual(new Set(kinds[kind].map(callKind)), new Set([kind])));

  it("decides what is refused where nothing may be written", async () => {
    const asked: string[] = [];
    const beforeWrite = ({ operation }: { operation: string }) => {
      asked.push(operation);
      throw new Error("refused");
    };
    const clients = createClients({ region: "eu-central-1", endpoints, credentials, beforeWrite });
    const before = aws.calls.length;

    await clients.ec2.send(new DescribeVpcsCommand({}));
    await assert.rejects(clients.ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" })), /refused/);
    await assert.rejects(
      clients.iam.send(new CreateRoleCommand({ RoleName: "a", AssumeRolePolicyDocument: "{}" })),
    );

    assert.deepEqual(asked, ["CreateVpc", "CreateRole"]);
    assert.deepEqual(
      aws.calls.slice(before).map(({ operation }) => operation),
      ["DescribeVpcs"],
    );
  });
});
