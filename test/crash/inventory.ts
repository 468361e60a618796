import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  type Instance,
  type Tag,
  type Volume,
} from "@aws-sdk/client-ec2";
import type { Clients } from "../../lib/aws/clients.ts";
import type { Holding } from "./holding.ts";
import { listNamed } from "./named-inventory.ts";

/** Lists everything in the account that AWS didn't create itself, without any filter by tags. */
export async function takeInventory(clients: Clients): Promise<Holding[]> {
  const [network, hosts, named] = await Promise.all([
    listNetwork(clients),
    listHosts(clients),
    listNamed(clients),
  ]);
  return [...network, ...hosts, ...named];
}

async function listNetwork({ ec2 }: Clients): Promise<Holding[]> {
  const [vpcs, subnets, gateways, tables, groups, endpoints] = await Promise.all([
    ec2.send(new DescribeVpcsCommand({})),
    ec2.send(new DescribeSubnetsCommand({})),
    ec2.send(new DescribeInternetGatewaysCommand({})),
    ec2.send(new DescribeRouteTablesCommand({})),
    ec2.send(new DescribeSecurityGroupsCommand({})),
    ec2.send(new DescribeVpcEndpointsCommand({})),
  ]);
  const own = (vpcs.Vpcs ?? []).filter(({ IsDefault }) => IsDefault !== true);
  const defaults = new Set((vpcs.Vpcs ?? []).filter((one) => one.IsDefault).map(({ VpcId }) => VpcId));
  const isOwn = ({ VpcId }: { VpcId?: string | undefined }) => !defaults.has(VpcId);
  return [
    ...own.map((one) => holding("vpc", one.VpcId, one.Tags, one.CidrBlock)),
    ...(subnets.Subnets ?? [])
      .filter(isOwn)
      .map((one) => holding("subnet", one.SubnetId, one.Tags, one.CidrBlock)),
    ...(gateways.InternetGateways ?? []).map((one) =>
      holding("internet-gateway", one.InternetGatewayId, one.Tags, one.Attachments?.length),
    ),
    ...(tables.RouteTables ?? [])
      .filter((one) => isOwn(one) && !one.Associations?.some(({ Main }) => Main))
      .map((one) => {
        const routes = one.Routes?.map((route) => route.DestinationCidrBlock ?? "prefix list").toSorted();
        return holding("route-table", one.RouteTableId, one.Tags, [routes, one.Associations?.length]);
      }),
    ...(groups.SecurityGroups ?? [])
      .filter((one) => isOwn(one) && one.GroupName !== "default")
      .map((one) => {
        const rules = one.IpPermissions?.flatMap(({ FromPort, IpRanges = [] }) =>
          IpRanges.map(({ CidrIp }) => `${FromPort} ${CidrIp}`),
        );
        return holding("security-group", one.GroupId, one.Tags, rules?.toSorted());
      }),
    ...(endpoints.VpcEndpoints ?? [])
      .filter(({ State }) => State?.toLowerCase() !== "deleted")
      .map((one) => holding("s3-endpoint", one.VpcEndpointId, one.Tags, one.RouteTableIds?.length)),
  ];
}

async function listHosts({ ec2 }: Clients): Promise<Holding[]> {
  const [instances, volumes, snapshots, interfaces, addresses] = await Promise.all([
    ec2.send(new DescribeInstancesCommand({})),
    ec2.send(new DescribeVolumesCommand({})),
    // Only tagged ones: the emulator has a thousand others, of Amazon's images.
    ec2.send(new DescribeSnapshotsCommand({ Filters: [{ Name: "tag-key", Values: ["*"] }] })),
    ec2.send(new DescribeNetworkInterfacesCommand({})),
    ec2.send(new DescribeAddressesCommand({})),
  ]);
  const living = (instances.Reservations ?? [])
    .flatMap(({ Instances = [] }) => Instances)
    .filter(({ State }) => State?.Name !== "terminated");
  const ids = new Set(living.map(({ InstanceId }) => InstanceId));
  return [
    ...living.map((one) =>
      holding("instance", one.InstanceId, one.Tags, [one.State?.Name, one.InstanceType, ...groupsOf(one)]),
    ),
    ...(volumes.Volumes ?? []).map((one) => holding("volume", one.VolumeId, one.Tags, volumeSetup(one, ids))),
    ...(snapshots.Snapshots ?? []).map((one) =>
      holding("snapshot", one.SnapshotId, one.Tags, one.VolumeSize),
    ),
    // The emulator keeps the interfaces of terminated instances.
    ...(interfaces.NetworkInterfaces ?? [])
      .filter(({ Attachment }) => Attachment?.InstanceId === undefined || ids.has(Attachment.InstanceId))
      .map((one) => holding("network-interface", one.NetworkInterfaceId, one.TagSet, one.Status)),
    ...(addresses.Addresses ?? []).map((one) =>
      holding("address", one.AllocationId, one.Tags, ids.has(one.InstanceId) ? "on the host" : "free"),
    ),
  ];
}

function volumeSetup({ Size, Tags = [], Attachments = [] }: Volume, hosts: ReadonlySet<string | undefined>) {
  const name = Tags.find(({ Key }) => Key === "berth:resource")?.Value;
  return [
    name,
    Size,
    Attachments.map(({ InstanceId }) => (hosts.has(InstanceId) ? "on the host" : "elsewhere")),
  ];
}

/**
 * Where the emulator lists the groups depends on whether they were ever changed. The interface then also lists the
 * earlier ones.
 */
function groupsOf({ SecurityGroups = [], NetworkInterfaces = [] }: Instance): string[] {
  const groups = SecurityGroups.length > 0 ? SecurityGroups : (NetworkInterfaces[0]?.Groups ?? []);
  return groups.map(({ GroupName }) => (GroupName === "default" ? "the VPC's group" : "a group of its own"));
}

function holding(
  kind: string,
  id: string | undefined,
  tags: readonly Tag[] | undefined,
  setup: unknown,
): Holding {
  const owner = tags?.find(({ Key }) => Key === "berth:stack")?.Value;
  return { kind, id: id ?? "?", owner, setup };
}
