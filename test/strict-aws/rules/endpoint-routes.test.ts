import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CreateRouteTableCommand,
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
  DescribeRouteTablesCommand,
  ModifyVpcEndpointCommand,
} from "@aws-sdk/client-ec2";
import type { Clients } from "../../../lib/aws/clients.ts";
import { openTwoRoutes, outcome, region } from "../account.ts";
import { Network } from "../network.ts";

const { strict, bare } = await openTwoRoutes({ endpointRoutes: true });

async function routesOf(id: string): Promise<number | undefined> {
  const { RouteTables } = await bare.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] }));
  return RouteTables?.[0]?.Routes?.filter((route) => route.DestinationPrefixListId !== undefined).length;
}

/**
 * Gives an endpoint a second route table and takes away the first. Returns how many routes each table has then, and how
 * deleting the endpoint ends.
 */
async function move({ ec2 }: Clients) {
  const network = new Network(bare);
  await network.make();
  const made = { VpcId: network.vpcId };
  const table = async () => {
    const { RouteTable } = await ec2.send(new CreateRouteTableCommand(made));
    return RouteTable?.RouteTableId ?? "";
  };
  const [first, second] = [await table(), await table()];
  const ServiceName = `com.amazonaws.${region}.s3`;
  const { VpcEndpoint } = await ec2.send(
    new CreateVpcEndpointCommand({
      ...made,
      ServiceName,
      VpcEndpointType: "Gateway",
      RouteTableIds: [first],
    }),
  );
  const VpcEndpointId = VpcEndpoint?.VpcEndpointId ?? "";
  const change = { AddRouteTableIds: [second], RemoveRouteTableIds: [first] };
  await ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId, ...change }));
  const routes = [await routesOf(first), await routesOf(second)];
  const end = await outcome(ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [VpcEndpointId] })));
  return { routes, end };
}

describe("an endpoint's routes", () => {
  it("come and go with the tables that it is given and loses", async () => {
    assert.deepEqual(await move(strict), { routes: [0, 1], end: "ok" });
    assert.deepEqual(await move(bare), { routes: [1, 0], end: "InvalidRoute.NotFound" });
  });
});
