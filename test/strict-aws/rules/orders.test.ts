import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CreateRouteTableCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  DescribeInstancesCommand,
  DescribeRouteTablesCommand,
  DescribeVpcsCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
} from "@aws-sdk/client-iam";
import type { Clients } from "../../../lib/aws/clients.ts";
import { isProfileNotYetVisible } from "../../../lib/aws/errors.ts";
import { openTwoRoutes, outcome, region } from "../account.ts";
import { launchOrder, Network } from "../network.ts";

const { aws, strict, bare } = await openTwoRoutes({
  clientTokens: true,
  dryRun: true,
  profileDelay: { attempts: 2 },
  instanceStates: { polls: 2 },
  quotas: { vpcs: 3, addresses: 1, internetGateways: 1 },
});

async function launch({ ec2 }: Clients, ClientToken: string, more: object = {}): Promise<string> {
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ...(await launchOrder(strict)), ClientToken, ...more }),
  );
  return Instances?.[0]?.InstanceId ?? "";
}

describe("client tokens", () => {
  it("answer the same order with the same instance, even after its end", async () => {
    const first = await launch(strict, "token-a");
    assert.equal(await launch(strict, "token-a"), first);
    await strict.ec2.send(new TerminateInstancesCommand({ InstanceIds: [first] }));
    assert.equal(await launch(strict, "token-a"), first);
    assert.notEqual(await launch(strict, "token-b"), first);
    assert.notEqual(await launch(bare, "token-a"), first);
    assert.notEqual(await launch(bare, "token-c"), await launch(bare, "token-c"));
  });

  it("refuse another order with the same token", async () => {
    await launch(strict, "token-d");
    const other = { InstanceType: "t3.small" };
    assert.equal(await outcome(launch(strict, "token-d", other)), "IdempotentParameterMismatch");
    assert.equal(await outcome(launch(bare, "token-d", other)), "ok");
  });

  it("make one of many orders at the same time", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => launch(strict, "token-e")));
    assert.equal(new Set(ids).size, 1);
    const filter = { Name: "instance-id", Values: ids };
    const { Reservations } = await bare.ec2.send(new DescribeInstancesCommand({ Filters: [filter] }));
    assert.equal(Reservations?.length, 1);
  });

  it("aren't used up by an order that fails", async () => {
    assert.notEqual(await outcome(launch(strict, "token-f", { ImageId: "ami-00000000000000000" })), "ok");
    assert.equal(await outcome(launch(strict, "token-f")), "ok");
  });

  it("hold for route tables and endpoints", async () => {
    const network = new Network(bare);
    await network.make();
    const { vpcId: VpcId } = network;
    const table = async ({ ec2 }: Clients) => {
      const made = await ec2.send(new CreateRouteTableCommand({ VpcId, ClientToken: "t" }));
      return made.RouteTable?.RouteTableId;
    };
    const endpoint = async ({ ec2 }: Clients) => {
      const ServiceName = `com.amazonaws.${region}.s3`;
      const made = await ec2.send(new CreateVpcEndpointCommand({ VpcId, ServiceName, ClientToken: "e" }));
      return made.VpcEndpoint?.VpcEndpointId;
    };
    assert.equal(await table(strict), await table(strict));
    assert.notEqual(await table(bare), await table(bare));
    assert.equal(await endpoint(strict), await endpoint(strict));
    const { RouteTables } = await bare.ec2.send(
      new DescribeRouteTablesCommand({ Filters: [{ Name: "vpc-id", Values: [VpcId] }] }),
    );
    assert.equal(RouteTables?.length, 1 + 1 + 2);
  });

  it("save from a second one when the reply is lost", async () => {
    const loseReply = async (clients: Clients, name: string) => {
      const Tags = [{ Key: "Name", Value: name }];
      const order = { TagSpecifications: [{ ResourceType: "instance", Tags }] };
      if (clients === strict) aws.faults.once("ec2:RunInstances", "after");
      await outcome(launch(clients, name, order));
      await launch(clients, name, order);
      const Filters = [{ Name: "tag:Name", Values: [name] }];
      const { Reservations } = await bare.ec2.send(new DescribeInstancesCommand({ Filters }));
      return Reservations?.length;
    };
    assert.equal(await loseReply(strict, "token-g"), 1);
    assert.equal(await loseReply(bare, "token-h"), 2);
    assert.equal(aws.calls.filter((call) => call.outcome === "cut").length, 1);
  });
});

describe("a new instance profile", () => {
  it("is invisible to EC2 for some launches", async () => {
    const { iam } = strict;
    await iam.send(new CreateRoleCommand({ RoleName: "host", AssumeRolePolicyDocument: "{}" }));
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "host" }));
    await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "host", RoleName: "host" }));
    const IamInstanceProfile = { Name: "host" };
    const launches = [];
    for (let n = 0; n < 3; n += 1) {
      launches.push(await outcome(launch(strict, `token-p${n}`, { IamInstanceProfile })));
    }
    assert.deepEqual(launches, ["InvalidParameterValue", "InvalidParameterValue", "ok"]);
    assert.equal(await outcome(launch(bare, "token-p", { IamInstanceProfile })), "ok");
  });

  it("that never was is refused in the same words", async () => {
    const order = { IamInstanceProfile: { Name: "none" } };
    const error: unknown = await launch(strict, "token-q", order).catch((cause: unknown) => cause);
    assert.ok(isProfileNotYetVisible(error));
    assert.match(String(error), /InvalidParameterValue.*none.*Invalid IAM Instance Profile name/);
    assert.equal(await outcome(launch(bare, "token-q", order)), "NoSuchEntity");
  });
});

describe("instance states", () => {
  it("take some looks", async () => {
    const follow = async (clients: Clients) => {
      const network = new Network(clients);
      network.instanceId = await launch(clients, `token-s-${clients === strict ? "strict" : "bare"}`);
      const states = [];
      for (let n = 0; n < 3; n += 1) states.push(await network.state());
      await network.terminate();
      for (let n = 0; n < 3; n += 1) states.push(await network.state());
      return states.join(" ");
    };
    assert.equal(await follow(strict), "pending pending running shutting-down shutting-down terminated");
    assert.equal(await follow(bare), "running running running terminated terminated terminated");
  });

  it("are what the filter goes by", async () => {
    const id = await launch(strict, "token-t");
    const listedAs = async (ec2: EC2Client, state: string) => {
      const Filters = [
        { Name: "instance-id", Values: [id] },
        { Name: "instance-state-name", Values: [state] },
      ];
      const { Reservations } = await ec2.send(new DescribeInstancesCommand({ Filters }));
      return Reservations?.length;
    };
    assert.equal(await listedAs(strict.ec2, "running"), 0);
    assert.equal(await listedAs(strict.ec2, "pending"), 1);
    assert.equal(await listedAs(strict.ec2, "pending"), 0);
    assert.equal(await listedAs(bare.ec2, "pending"), 0);
  });
});

describe("a dry run", () => {
  it("changes nothing", async () => {
    const order = new CreateVpcCommand({ CidrBlock: "10.44.0.0/16", DryRun: true });
    const count = async () => {
      const Filters = [{ Name: "cidr", Values: ["10.44.0.0/16"] }];
      return (await bare.ec2.send(new DescribeVpcsCommand({ Filters }))).Vpcs?.length;
    };
    assert.equal(await outcome(strict.ec2.send(order)), "DryRunOperation");
    assert.equal(await count(), 0);
    await outcome(bare.ec2.send(order));
    assert.equal(await count(), 1);
  });
});
