import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AssociateRouteTableCommand,
  CreateRouteTableCommand,
  CreateVpcPeeringConnectionCommand,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  ReplaceRouteCommand,
  ReplaceRouteTableAssociationCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { routeTable, type ObservedRouteTable } from "../../../lib/resources/network/route-table.ts";
import { vpc } from "../../../lib/resources/network/vpc.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";
import { makeNetwork } from "./network.ts";

const account = await openAccount();
const { ctx, stranger } = account;
const everywhere = "0.0.0.0/0";

const associationOf = (observed: ObservedRouteTable) => observed.associations[0]?.id;

async function newTable(ec2: EC2Client, vpcId: string): Promise<string | undefined> {
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId: vpcId }));
  return RouteTable?.RouteTableId;
}

resourceSuite({
  account,
  resource: routeTable,
  prepare: () => makeNetwork(account),
  creation: ["CreateRouteTable"],
  drifts: [
    {
      field: "routes[0.0.0.0/0]",
      act: async ({ ec2 }, { id }) =>
        ec2.send(new DeleteRouteCommand({ RouteTableId: id, DestinationCidrBlock: everywhere })),
    },
    {
      field: "routes",
      act: async ({ ec2 }, { id }, { vpcId }) => {
        const other = await vpc.create(ctx, newIdentity("vpc"), { cidr: "10.50.0.0/16" });
        const peering = new CreateVpcPeeringConnectionCommand({ VpcId: vpcId, PeerVpcId: other });
        const { VpcPeeringConnection } = await ec2.send(peering);
        const VpcPeeringConnectionId = VpcPeeringConnection?.VpcPeeringConnectionId;
        const route = { RouteTableId: id, DestinationCidrBlock: everywhere, VpcPeeringConnectionId };
        return ec2.send(new ReplaceRouteCommand(route));
      },
    },
    {
      field: "subnet",
      act: async ({ ec2 }, observed) =>
        ec2.send(new DisassociateRouteTableCommand({ AssociationId: associationOf(observed) })),
    },
    {
      field: "subnet",
      act: async ({ ec2 }, observed) => {
        const RouteTableId = await newTable(ec2, observed.vpcId);
        const AssociationId = associationOf(observed);
        return ec2.send(new ReplaceRouteTableAssociationCommand({ AssociationId, RouteTableId }));
      },
    },
  ],
  replacements: { vpc: (desired) => ({ ...desired, vpcId: "vpc-0123456789abcdef0" }) },
});

test("route table: the subnet is taken back from another table without a moment between", async () => {
  const network = await makeNetwork(account);
  const { ec2 } = stranger;
  const theirs = await newTable(ec2, network.vpcId);
  await ec2.send(new AssociateRouteTableCommand({ RouteTableId: theirs, SubnetId: network.subnetId }));
  const identity = newIdentity("route-table");
  const id = await routeTable.create(ctx, identity, network);
  const observed = await routeTable.find(ctx, identity, id);
  assert.ok(observed);
  const before = account.calls.length;

  const differences = routeTable.differences(identity, network, observed);
  await routeTable.update(ctx, { identity, desired: network, observed, differences });

  const operations = new Set(account.calls.slice(before).map((call) => call.operation));
  assert.ok(operations.has("ReplaceRouteTableAssociation") && !operations.has("DisassociateRouteTable"));
  const Filters = [{ Name: "association.subnet-id", Values: [network.subnetId] }];
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ Filters }));
  assert.deepEqual(
    RouteTables.map((table) => table.RouteTableId),
    [id],
  );
});
