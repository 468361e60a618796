import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateVpcCommand, DescribeVpcsCommand, type EC2Client } from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { GetRoleCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import {
  GetObjectCommand,
  CreateBucketCommand,
  HeadBucketCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { ListTopicsCommand } from "@aws-sdk/client-sns";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { isDenied, isThrottle } from "../../lib/aws/errors.ts";
import { openTwoRoutes, outcome, region } from "./account.ts";
import type { RefusedFault } from "./faults.ts";

const { aws, strict, bare, patient } = await openTwoRoutes({});

let network = 0;
const CidrBlock = () => `10.${network}.0.0/16`;
const oneVpc = () => new CreateVpcCommand({ CidrBlock: CidrBlock() });

async function countVpcs(ec2: EC2Client): Promise<number> {
  const { Vpcs = [] } = await ec2.send(
    new DescribeVpcsCommand({ Filters: [{ Name: "cidr", Values: [CidrBlock()] }] }),
  );
  return Vpcs.length;
}

const reads = [
  () => strict.ec2.send(new DescribeVpcsCommand({})),
  () => strict.ecr.send(new DescribeRepositoriesCommand({})),
  () => strict.iam.send(new ListRolesCommand({})),
  () => strict.s3.send(new GetObjectCommand({ Bucket: "berth-any", Key: "any" })),
  () => strict.cloudWatch.send(new DescribeAlarmsCommand({})),
  () => strict.sns.send(new ListTopicsCommand({})),
  () => strict.ssm.send(new GetParameterCommand({ Name: "any" })),
  () => strict.sts.send(new GetCallerIdentityCommand({})),
];

const names: [RefusedFault, string[]][] = [
  [
    "throttle",
    [
      "RequestLimitExceeded",
      "ThrottlingException",
      "Throttling",
      "SlowDown",
      "ThrottlingException",
      "Throttling",
      "ThrottlingException",
      "Throttling",
    ],
  ],
  [
    "429",
    [
      "RequestLimitExceeded",
      "ThrottlingException",
      "Throttling",
      "SlowDown",
      "ThrottlingException",
      "Throttling",
      "ThrottlingException",
      "Throttling",
    ],
  ],
  [
    "500",
    [
      "InternalError",
      "ServerException",
      "ServiceFailureException",
      "InternalError",
      "InternalServiceFault",
      "InternalFailure",
      "InternalServerError",
      "InternalFailure",
    ],
  ],
  [
    "503",
    [
      "Unavailable",
      "ServiceUnavailable",
      "ServiceUnavailable",
      "ServiceUnavailable",
      "ServiceUnavailable",
      "ServiceUnavailable",
      "ServiceUnavailable",
      "ServiceUnavailable",
    ],
  ],
  [
    "expired",
    [
      "RequestExpired",
      "ExpiredTokenException",
      "ExpiredToken",
      "ExpiredToken",
      "ExpiredTokenException",
      "ExpiredToken",
      "ExpiredTokenException",
      "ExpiredToken",
    ],
  ],
  [
    "denied",
    [
      "UnauthorizedOperation",
      "AccessDeniedException",
      "AccessDenied",
      "AccessDenied",
      "AccessDeniedException",
      "AuthorizationErrorException",
      "AccessDeniedException",
      "AccessDenied",
    ],
  ],
];

describe("faults", () => {
  beforeEach(() => {
    aws.faults.clear();
    network += 1;
  });

  for (const [fault, expected] of names) {
    it(`${fault} reaches the SDK under each service's own name`, async () => {
      const planned = aws.faults.always("*", fault);
      const found = [];
      for (const read of reads) found.push(await outcome(read()));
      assert.deepEqual(found, expected);
      assert.equal(planned.hits, 8);
      planned.stop();
      assert.equal(await outcome(strict.sts.send(new GetCallerIdentityCommand({}))), "ok");
    });
  }

  it("are understood by the code under test", async () => {
    aws.faults.always("*", "throttle");
    const throttled = await strict.ec2.send(oneVpc()).catch((error: unknown) => error);
    aws.faults.clear();
    aws.faults.always("*", "denied");
    const denied = await strict.ec2.send(oneVpc()).catch((error: unknown) => error);
    assert.ok(isThrottle(throttled));
    assert.ok(isDenied(denied));
    assert.match(String(denied), /not authorized to perform: ec2:CreateVpc/);
  });

  it("cut before: nothing has happened", async () => {
    const earlier = aws.calls.length;
    aws.faults.once("ec2:CreateVpc", "before");
    assert.equal(await outcome(strict.ec2.send(oneVpc())), "LostReply");
    assert.equal(await countVpcs(bare.ec2), 0);
    assert.deepEqual(
      aws.calls.slice(earlier).map((call) => [call.outcome, call.status]),
      [["cut", undefined]],
    );
  });

  it("cut after: it has happened, and whoever asks again makes a second", async () => {
    const earlier = aws.calls.length;
    aws.faults.once("ec2:CreateVpc", "after");
    assert.equal(await outcome(patient.ec2.send(oneVpc())), "LostReply");
    assert.equal(await countVpcs(bare.ec2), 1);
    assert.equal(await outcome(patient.ec2.send(oneVpc())), "ok");
    assert.equal(await countVpcs(bare.ec2), 2);
    assert.deepEqual(
      aws.calls.slice(earlier).map((call) => call.outcome),
      ["cut", "ok"],
    );
  });

  it("strike the call that was meant, and no other", async () => {
    const planned = aws.faults.once("ec2:CreateVpc", "500", { call: 3 });
    const found = [];
    for (let n = 0; n < 4; n += 1)
      found.push(await outcome(strict.ec2.send(oneVpc())), await countVpcs(strict.ec2));
    assert.deepEqual(found, ["ok", 1, "ok", 2, "LostReply", 2, "ok", 3]);
    assert.equal(planned.hits, 1);
  });

  it("strike each n-th call", async () => {
    aws.faults.every(2, ({ kind }) => kind === "write", "throttle");
    const found = [];
    for (let n = 0; n < 4; n += 1) found.push(await outcome(strict.ec2.send(oneVpc())));
    assert.deepEqual(found, ["ok", "RequestLimitExceeded", "ok", "RequestLimitExceeded"]);
  });

  it("strike a part of all calls", async () => {
    const planned = aws.faults.share(0.5, "sts:*", ["throttle", "503"]);
    const found = [];
    for (let n = 0; n < 40; n += 1)
      found.push(await outcome(strict.sts.send(new GetCallerIdentityCommand({}))));
    assert.deepEqual([...new Set(found)].toSorted(), ["ServiceUnavailable", "Throttling", "ok"]);
    assert.ok(planned.hits > 10 && planned.hits < 30, `${planned.hits} of 40`);
  });

  it("answer 409 to a conditional write, and only once", async () => {
    await bare.s3.send(
      new CreateBucketCommand({
        Bucket: "berth-conflict",
        CreateBucketConfiguration: { LocationConstraint: region },
      }),
    );
    aws.faults.once("s3:PutObject", "conflict");
    const put = () =>
      new PutObjectCommand({ Bucket: "berth-conflict", Key: "k", Body: "b", IfNoneMatch: "*" });
    assert.equal(await outcome(strict.s3.send(put())), "ConditionalRequestConflict");
    assert.equal(await outcome(strict.s3.send(put())), "ok");
    assert.equal(await outcome(strict.s3.send(put())), "PreconditionFailed");
  });

  it("reach a HEAD, which has no body, by their status", async () => {
    const earlier = aws.calls.length;
    aws.faults.once("s3:HeadBucket", "denied");
    const error: unknown = await strict.s3
      .send(new HeadBucketCommand({ Bucket: "any" }))
      .catch((e: unknown) => e);
    assert.ok(isDenied(error));
    assert.equal(aws.calls[earlier]?.outcome, "403");
  });

  it("delay, and let the call go on", async () => {
    const earlier = aws.calls.length;
    aws.faults.always("sts:*", { latencyMs: 150 });
    await strict.sts.send(new GetCallerIdentityCommand({}));
    assert.ok((aws.calls[earlier]?.durationMs ?? 0) >= 149);
    assert.equal(aws.calls[earlier]?.outcome, "ok");
  });

  it("hold a call back until something else has happened, and let the others go on", async () => {
    let release = () => {};
    const until = () => new Promise<void>((resolve) => (release = resolve));
    const held = aws.faults.once("sts:*", { until });
    const answer = strict.sts.send(new GetCallerIdentityCommand({}));
    await strict.iam.send(new ListRolesCommand({}));
    while (held.hits === 0) await sleep(5);
    assert.deepEqual(
      aws.calls.filter(({ outcome: told }) => told === undefined).map(({ operation }) => operation),
      ["GetCallerIdentity"],
    );
    release();
    await answer;
  });

  it("are gone after a reset, with calls and hooks", async () => {
    aws.faults.always("*", "500");
    aws.on(() => "cut");
    await outcome(strict.iam.send(new GetRoleCommand({ RoleName: "none" })));
    await aws.reset();
    assert.deepEqual(aws.calls, []);
    assert.equal(
      await outcome(strict.ecr.send(new CreateRepositoryCommand({ repositoryName: "one" }))),
      "ok",
    );
  });
});
