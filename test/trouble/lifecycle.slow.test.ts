import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { createClients } from "../../lib/aws/clients.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { openCli, story } from "../strict-aws/cli.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-trouble-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true, seed: 7 });
const cli = await openCli({ aws, directory, stack: "test-storm" });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
const { ec2 } = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });

async function countOfEach(): Promise<readonly number[]> {
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }];
  const tagged = [{ Name: "tag-key", Values: ["berth:stack"] }];
  const [{ Reservations = [] }, { Vpcs = [] }, { InternetGateways = [] }, { Addresses = [] }] =
    await Promise.all([
      ec2.send(new DescribeInstancesCommand({ Filters })),
      ec2.send(new DescribeVpcsCommand({ Filters: tagged })),
      ec2.send(new DescribeInternetGatewaysCommand({ Filters: tagged })),
      ec2.send(new DescribeAddressesCommand({})),
    ]);
  return [Reservations, Vpcs, InternetGateways, Addresses].map((list) => list.length);
}

describe("a whole life with one call in five throttled or failing", () => {
  it("comes up, changes and goes, with one of everything and nothing left", async () => {
    const storm = aws.faults.share(0.2, "*", ["throttle", "429", "500", "503", "before", "after"]);

    const up = await cli.run("up", "--yes");
    const made = await countOfEach();
    await cli.configure({ ingress: [{ port: 80 }, { port: 8443 }], tags: { Team: "harbour" } });
    const change = await cli.run("up", "--yes");
    const changed = await countOfEach();
    const down = await cli.run("down", "--yes");

    assert.ok(storm.hits > 100, `${storm.hits} calls were struck`);
    for (const ended of [up, change, down]) assert.equal(ended.exitCode, 0, story(ended));
    assert.deepEqual(
      { made, changed, left: await countOfEach() },
      {
        made: [1, 1, 1, 1],
        changed: [1, 1, 1, 1],
        left: [0, 0, 0, 0],
      },
    );
  });
});
