import { ModifyVpcEndpointCommand } from "@aws-sdk/client-ec2";
import { routeTable } from "../../../lib/resources/network/route-table.ts";
import { s3Endpoint } from "../../../lib/resources/network/s3-endpoint.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";
import { makeNetwork } from "./network.ts";

const account = await openAccount();
const { ctx } = account;

resourceSuite({
  account,
  resource: s3Endpoint,
  prepare: async () => {
    const network = await makeNetwork(account);
    return { ...network, routeTableId: await routeTable.create(ctx, newIdentity("route-table"), network) };
  },
  creation: ["CreateVpcEndpoint"],
  drifts: [
    {
      field: "route-table",
      act: async ({ ec2 }, { id }, { routeTableId }) =>
        ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: id, RemoveRouteTableIds: [routeTableId] })),
    },
  ],
  replacements: { vpc: (desired) => ({ ...desired, vpcId: "vpc-0123456789abcdef0" }) },
});
