import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AllocateAddressCommand,
  CreateInternetGatewayCommand,
  CreateSecurityGroupCommand,
  CreateVpcCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Clients } from "../../../lib/aws/clients.ts";
import { isDenied } from "../../../lib/aws/errors.ts";
import { localAccount } from "../../../lib/local/emulators/emulators.ts";
import { openTwoRoutes, outcome, region } from "../account.ts";
import { launchOrder } from "../network.ts";

const { strict, bare } = await openTwoRoutes({
  inputLimits: true,
  bucketOwner: true,
  quotas: { vpcs: 2, addresses: 1, internetGateways: 1 },
});

/** Makes the same call by both routes. Returns the strict outcome, then the lax one. */
async function both(call: (clients: Clients) => Promise<unknown>): Promise<string[]> {
  return [await outcome(call(strict)), await outcome(call(bare))];
}

const group =
  (GroupName: string, Description: string) =>
  ({ ec2 }: Clients) =>
    ec2.send(new CreateSecurityGroupCommand({ GroupName, Description }));

describe("input limits", () => {
  it("refuse user data over 16 KB, before base64", async () => {
    const order = await launchOrder(bare);
    const withBytes =
      (bytes: number) =>
      ({ ec2 }: Clients) =>
        ec2.send(
          new RunInstancesCommand({ ...order, UserData: Buffer.alloc(bytes, "x").toString("base64") }),
        );
    assert.deepEqual(await both(withBytes(16_385)), ["InvalidParameterValue", "ok"]);
    assert.deepEqual(await both(withBytes(16_384)), ["ok", "ok"]);
  });

  it("refuse groups called like ids, and what isn't ASCII", async () => {
    assert.deepEqual(await both(group("sg-web", "web")), ["InvalidParameterValue", "ok"]);
    assert.deepEqual(await both(group("web-1", "für alle")), ["InvalidParameterValue", "ok"]);
    assert.equal(
      await outcome(
        strict.ec2.send(
          new CreateSecurityGroupCommand({ GroupName: "web-2", Description: "What reaches web" }),
        ),
      ),
      "ok",
    );
  });

  for (const Bucket of ["Berth-Upper", "berth_underscore", "berth..dots", "berth-s3alias", "-berth"]) {
    it(`refuse the bucket name ${Bucket}`, async () => {
      const make = ({ s3 }: Clients) =>
        s3.send(
          new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
        );
      assert.deepEqual(await both(make), ["InvalidBucketName", "ok"]);
    });
  }
});

describe("a bucket of somebody else", () => {
  it("is refused by ExpectedBucketOwner", async () => {
    const Bucket = "berth-owner";
    await strict.s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
    );
    const put =
      (ExpectedBucketOwner: string) =>
      ({ s3 }: Clients) =>
        s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "b", ExpectedBucketOwner }));
    assert.deepEqual(await both(put("210987654321")), ["AccessDenied", "ok"]);
    assert.deepEqual(await both(put(localAccount)), ["ok", "ok"]);
    const head = new HeadBucketCommand({ Bucket, ExpectedBucketOwner: "210987654321" });
    assert.ok(isDenied(await strict.s3.send(head).catch((error: unknown) => error)));
    const absent = new GetBucketTaggingCommand({ Bucket: "berth-none", ExpectedBucketOwner: "210987654321" });
    assert.equal(await outcome(strict.s3.send(absent)), "NoSuchBucket");
  });
});

describe("quotas", () => {
  it("end what an account may have", async () => {
    const calls = {
      VpcLimitExceeded: ({ ec2 }: Clients) => ec2.send(new CreateVpcCommand({ CidrBlock: "10.1.0.0/16" })),
      AddressLimitExceeded: ({ ec2 }: Clients) => ec2.send(new AllocateAddressCommand({ Domain: "vpc" })),
      InternetGatewayLimitExceeded: ({ ec2 }: Clients) => ec2.send(new CreateInternetGatewayCommand({})),
    };
    for (const [code, call] of Object.entries(calls)) {
      assert.equal(await outcome(call(strict)), "ok", code);
      assert.deepEqual(await both(call), [code, "ok"]);
    }
  });
});
