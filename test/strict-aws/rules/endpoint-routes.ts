import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeManagedPrefixListsCommand,
  DescribeRouteTablesCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { isOk } from "../reply.ts";
import { listOf } from "../request.ts";
import type { Behind, Rule } from "../rule.ts";

/**
 * A gateway endpoint's route is added to each route table that the endpoint gets, and removed from each that it loses.
 * The emulator adds routes only when it creates the endpoint, and later can't delete an endpoint whose route is
 * missing.
 */
export function endpointRoutes(behind: Behind): Rule {
  return async (request, next) => {
    const reply = await next(request);
    if (request.operation !== "ModifyVpcEndpoint" || !isOk(reply)) return reply;
    const { ec2 } = behind.clients(request.region);
    const endpoint = request.fields.get("VpcEndpointId") ?? "";
    const prefixList = await prefixListOf(ec2, endpoint);
    if (prefixList === undefined) return reply;
    const routed = await tablesWith(ec2, prefixList);
    const route = (RouteTableId: string) => ({ RouteTableId, DestinationPrefixListId: prefixList });
    for (const id of listOf(request, "AddRouteTableId"))
      if (!routed.has(id)) await ec2.send(new CreateRouteCommand({ ...route(id), GatewayId: endpoint }));
    for (const id of listOf(request, "RemoveRouteTableId"))
      if (routed.has(id)) await ec2.send(new DeleteRouteCommand(route(id)));
    return reply;
  };
}

/** Undefined for an endpoint that isn't a gateway endpoint. */
async function prefixListOf(ec2: EC2Client, id: string): Promise<string | undefined> {
  const { VpcEndpoints = [] } = await ec2.send(new DescribeVpcEndpointsCommand({ VpcEndpointIds: [id] }));
  const { PrefixLists = [] } = await ec2.send(new DescribeManagedPrefixListsCommand({}));
  const name = VpcEndpoints[0]?.ServiceName;
  return PrefixLists.find(({ PrefixListName }) => PrefixListName === name)?.PrefixListId;
}

async function tablesWith(ec2: EC2Client, prefixList: string): Promise<Set<string>> {
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({}));
  const routed = RouteTables.filter(({ Routes }) =>
    Routes?.some(({ DestinationPrefixListId }) => DestinationPrefixListId === prefixList),
  );
  return new Set(routed.flatMap(({ RouteTableId }) => RouteTableId ?? []));
}
