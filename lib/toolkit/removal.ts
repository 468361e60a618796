import {
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  type EC2Client,
  type Filter,
} from "@aws-sdk/client-ec2";
import { isConflict, isDependencyViolation, isNotFound, unlessAbsent } from "../aws/errors.ts";
import { poll, type Look } from "../poll.ts";
import type { WriteContext } from "../contract/resource.ts";

interface Removal {
  /** Kind and id, for messages: `subnet subnet-0abc`. */
  readonly what: string;
  readonly timeoutMs?: number;
  /** Deletes the resource. Called again as long as something still uses it. */
  readonly attempt: () => Promise<unknown>;
  /** Whether AWS still lists it. */
  readonly listed: () => Promise<boolean>;
  /** What still uses the resource, to show to the user. */
  readonly blockers?: () => Promise<string[]>;
}

const removalTimeoutMs = 5 * 60_000;

/**
 * Removes a resource. Waits while something still uses it, and returns when AWS no longer lists it.
 *
 * @throws BerthError `TimedOut`, which names what still uses the resource.
 */
export async function removeUntilGone(ctx: WriteContext, removal: Removal): Promise<void> {
  const timeoutMs = removal.timeoutMs ?? removalTimeoutMs;
  const { what } = removal;
  let isAccepted = false;
  const look = async (): Promise<Look<true>> => {
    if (!isAccepted) {
      const answer = await attempt(removal);
      if (answer !== "accepted" && answer !== "absent") return { waiting: answer };
      isAccepted = answer === "accepted";
    }
    // If AWS says "not found" but still lists the resource, one of its replicas doesn't know it yet: the delete is repeated.
    return (await removal.listed()) ? { waiting: `${what} is still listed` } : { done: true };
  };
  await poll(ctx, { what: `${what} to be gone`, timeoutMs, look });
}

/** `accepted`, `absent`, or why AWS can't delete the resource yet. */
async function attempt(removal: Removal): Promise<string> {
  try {
    await removal.attempt();
    return "accepted";
  } catch (error) {
    if (isNotFound(error)) return "absent";
    if (isConflict(error)) return `${removal.what} is being changed`;
    if (!isDependencyViolation(error)) throw error;
    const blockers = (await removal.blockers?.()) ?? [];
    return `${removal.what} is in use by ${blockers.join(", ") || "something that AWS doesn't name"}`;
  }
}

/** Awaits a delete call; "already gone" is success too. */
export async function unlessGone(step: Promise<unknown>): Promise<void> {
  await unlessAbsent(step);
}

/** The network interfaces in a subnet, security group or VPC, each with what it belongs to. */
export async function describeInterfaces(ec2: EC2Client, filter: Filter): Promise<string[]> {
  const { NetworkInterfaces = [] } = await ec2.send(
    new DescribeNetworkInterfacesCommand({ Filters: [filter] }),
  );
  return NetworkInterfaces.map((one) => {
    const owner = one.Attachment?.InstanceId ?? one.Description ?? "";
    return `network interface ${one.NetworkInterfaceId ?? "?"}${owner === "" ? "" : ` (${owner})`}`;
  });
}

/** Everything that keeps a VPC from being deleted. Leaves out what AWS deletes together with the VPC. */
export async function describeVpcDependents(ec2: EC2Client, vpcId: string): Promise<string[]> {
  const inVpc = { Filters: [{ Name: "vpc-id", Values: [vpcId] }] };
  const attached = { Filters: [{ Name: "attachment.vpc-id", Values: [vpcId] }] };
  const [interfaces, subnets, groups, tables, gateways] = await Promise.all([
    describeInterfaces(ec2, { Name: "vpc-id", Values: [vpcId] }),
    ec2.send(new DescribeSubnetsCommand(inVpc)),
    ec2.send(new DescribeSecurityGroupsCommand(inVpc)),
    ec2.send(new DescribeRouteTablesCommand(inVpc)),
    ec2.send(new DescribeInternetGatewaysCommand(attached)),
  ]);
  const ownTables = (tables.RouteTables ?? []).filter(
    (table) => !table.Associations?.some((one) => one.Main),
  );
  return [
    ...interfaces,
    ...(subnets.Subnets ?? []).map((one) => `subnet ${one.SubnetId}`),
    ...(groups.SecurityGroups ?? [])
      .filter((one) => one.GroupName !== "default")
      .map((one) => `security group ${one.GroupId}`),
    ...ownTables.map((one) => `route table ${one.RouteTableId}`),
    ...(gateways.InternetGateways ?? []).map((one) => `internet gateway ${one.InternetGatewayId}`),
  ];
}
