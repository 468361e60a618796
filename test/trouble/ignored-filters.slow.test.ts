import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  DescribeInternetGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { ListInstanceProfilesCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { openCli, story } from "../strict-aws/cli.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-filters-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true, rules: { ignoredFilters: true } });
const open = async (stack: string) => {
  const folder = join(directory, stack);
  await mkdir(folder);
  return openCli({ aws, directory: folder, stack });
};
const [mine, theirs] = [await open("test-filters-mine"), await open("test-filters-theirs")];
after(async () => {
  await Promise.all([mine, theirs].map((cli) => cli[Symbol.asyncDispose]()));
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const { ec2, iam, s3 } = createClients({
  region: mine.region,
  endpoints: aws.bare,
  credentials: aws.credentials,
});

/** All in the account that isn't `mine`: the default VPC with what is in it, and the other stack. */
async function photographOthers(): Promise<unknown> {
  const answers = await Promise.all([
    ec2.send(new DescribeVpcsCommand({})).then(({ Vpcs }) => Vpcs),
    ec2.send(new DescribeSubnetsCommand({})).then(({ Subnets }) => Subnets),
    ec2.send(new DescribeInternetGatewaysCommand({})).then((one) => one.InternetGateways),
    ec2.send(new DescribeRouteTablesCommand({})).then(({ RouteTables }) => RouteTables),
    ec2.send(new DescribeSecurityGroupsCommand({})).then((one) => one.SecurityGroups),
    ec2.send(new DescribeVpcEndpointsCommand({})).then(({ VpcEndpoints }) => VpcEndpoints),
    ec2.send(new DescribeVolumesCommand({})).then(({ Volumes }) => Volumes),
    iam.send(new ListRolesCommand({})).then(({ Roles }) => Roles),
    iam.send(new ListInstanceProfilesCommand({})).then((one) => one.InstanceProfiles),
    s3.send(new ListBucketsCommand({})).then(({ Buckets }) => Buckets),
  ]);
  const isMine = (one: object) => JSON.stringify(one).includes(mine.stack);
  const kept = answers.map((list: readonly object[] = []) => list.filter((one) => !isMine(one)));
  assert.ok(kept.flat().length > 10);
  // A default group of a VPC of mine goes with that VPC.
  return JSON.parse(JSON.stringify(kept.map((list) => list.filter((one) => !isInside(one)))));
}

let vpcsOfMine: readonly string[] = [];
const isInside = (one: object) => vpcsOfMine.some((id) => JSON.stringify(one).includes(id));

async function noteVpcs(): Promise<void> {
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
  vpcsOfMine = Vpcs.filter((one) => JSON.stringify(one).includes(mine.stack)).flatMap(
    (one) => one.VpcId ?? [],
  );
}

const writesSince = (before: number) =>
  aws.calls.slice(before).flatMap(({ kind, operation }) => (kind === "write" ? [operation] : []));

describe("where an endpoint ignores filters", () => {
  let before: unknown;

  it("another stack and the default VPC are there", async () => {
    const ended = await theirs.run("up", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    before = await photographOthers();
  });

  it("down of a stack that isn't there writes nothing at all", async () => {
    const start = aws.calls.length;
    const ended = await mine.run("down", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    assert.equal(ended.summary?.outcome, "unchanged");
    assert.deepEqual(writesSince(start), []);
  });

  it("a stack comes up, is left alone by plan, and touches nothing of others", async () => {
    const up = await mine.run("up", "--yes");
    assert.equal(up.exitCode, 0, story(up));
    const plan = await mine.run("plan");
    assert.equal(plan.exitCode, 0, story(plan));
    await noteVpcs();
    assert.deepEqual(await photographOthers(), before);
  });

  it("it goes, and nothing of others with it", async () => {
    const down = await mine.run("down", "--yes");
    assert.equal(down.exitCode, 0, story(down));
    assert.deepEqual(down.summary?.left, []);
    assert.deepEqual(await photographOthers(), before);
    const plan = await theirs.run("plan");
    assert.equal(plan.exitCode, 0, story(plan));
  });
});
