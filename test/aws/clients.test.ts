import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateVpcCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { ListRolesCommand } from "@aws-sdk/client-iam";
import { ListHostedZonesCommand } from "@aws-sdk/client-route-53";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { ListSecretsCommand } from "@aws-sdk/client-secrets-manager";
import { ListTopicsCommand } from "@aws-sdk/client-sns";
import { DescribeParametersCommand } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { createClients, type Clients } from "../../lib/aws/clients.ts";
import { BerthError } from "../../lib/errors.ts";
import { defaultTtlMs } from "../../state/lease/record.ts";
import { matches, sources } from "../docs/tree.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const logDirectory = await mkdtemp(join(tmpdir(), "berth-clients-"));
const aws = await startStrictAws({ logDirectory });
after(async () => {
  await aws[Symbol.asyncDispose]();
  await rm(logDirectory, { recursive: true, force: true });
});

/** Sends a create whose lease is lost after it was found held so many times; how each try that reached AWS ended. */
async function triesUntilLost(timesHeld: number): Promise<(string | undefined)[]> {
  const lost = new BerthError({ code: "LeaseLost", message: "it is somebody else's" });
  let asked = 0;
  const beforeWrite = () => {
    asked += 1;
    if (asked > timesHeld) throw lost;
  };
  const before = aws.calls.length;
  const { ec2 } = createClients({ ...aws, region: "eu-central-1", beforeWrite });
  await assert.rejects(ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" })), lost);
  return aws.calls.slice(before).map(({ outcome }) => outcome);
}

test("clients: a write is not prepared without the lease", async () => {
  assert.deepEqual(await triesUntilLost(0), []);
});

test("clients: a lease that is lost while a write is prepared keeps it from being sent", async () => {
  assert.deepEqual(await triesUntilLost(1), []);
});

test("clients: a lease that is lost between two tries of the SDK keeps the second from being sent", async () => {
  aws.faults.once("ec2:CreateVpc", "throttle");
  assert.deepEqual(await triesUntilLost(2), ["RequestLimitExceeded"]);
});

/** A call by each client: a client's limits are known once it has sent something. */
const callAll = (clients: Clients) =>
  Promise.all([
    clients.cloudWatch.send(new DescribeAlarmsCommand({})),
    clients.ec2.send(new DescribeVpcsCommand({})),
    clients.ecr.send(new DescribeRepositoriesCommand({})),
    clients.iam.send(new ListRolesCommand({})),
    clients.logs.send(new DescribeLogGroupsCommand({})),
    clients.route53.send(new ListHostedZonesCommand({})),
    clients.s3.send(new ListBucketsCommand({})),
    clients.secretsManager.send(new ListSecretsCommand({})),
    clients.sns.send(new ListTopicsCommand({})),
    clients.ssm.send(new DescribeParametersCommand({})),
    clients.sts.send(new GetCallerIdentityCommand({})),
  ]);

test("clients: none of them waits as long as a lease lives, by itself or with another's connections", async () => {
  const alone = createClients({ ...aws, region: "eu-central-1" });
  const sharing = createClients({ ...aws, region: "eu-central-1", connectionsOf: alone });
  await callAll(alone);
  await callAll(sharing);

  for (const { config } of [...Object.values(alone), ...Object.values(sharing)]) {
    const limits = { ...config.requestHandler.httpHandlerConfigs() };
    const { connectionTimeout, requestTimeout, socketTimeout, throwOnRequestTimeout } = limits;
    assert.deepEqual(
      [connectionTimeout, requestTimeout, socketTimeout, throwOnRequestTimeout],
      [5_000, 20_000, 20_000, true],
    );
    assert.ok((connectionTimeout ?? Infinity) + (requestTimeout ?? Infinity) < defaultTtlMs);
  }
  assert.equal(defaultTtlMs, 30_000);
});

test("clients: there are no others, whose limits nobody set", async () => {
  const inCode = await sources("lib", "state", "provision", "teardown");

  const made = matches(inCode, /new (\w+Client)\(/g);

  const known = [
    "CloudWatchClient",
    "CloudWatchLogsClient",
    "EC2Client",
    "ECRClient",
    "IAMClient",
    "Route53Client",
    "S3Client",
    "SNSClient",
    "SSMClient",
    "STSClient",
    "SecretsManagerClient",
  ];
  assert.deepEqual(made, known);
});

test("clients: a service that never answers is given up", async () => {
  const silent = aws.faults.always("sts:*", { until: () => new Promise(() => {}) });
  const timeouts = { connectionMs: 1_000, answerMs: 100 };
  const { sts } = createClients({ ...aws, region: "eu-central-1", timeouts, maxAttempts: 1 });
  await assert.rejects(sts.send(new GetCallerIdentityCommand({})), { name: "TimeoutError" });
  silent.stop();
});
