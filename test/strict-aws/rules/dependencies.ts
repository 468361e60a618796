import {
  DescribeAddressesCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import { ListEntitiesForPolicyCommand } from "@aws-sdk/client-iam";
import type { Hold, InstanceLives } from "../instance-lives.ts";
import { refuse, type Refusal } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Behind, Rule } from "../rule.ts";

/** Returns why the call is refused, or undefined. */
type Check = (request: AwsRequest, known: Known) => Promise<Refusal | undefined>;

interface Known {
  readonly behind: Behind;
  readonly lives: InstanceLives;
}

/** A resource in use can't be deleted, and stays in use for a while after its user has ended. */
export function dependencies(lives: InstanceLives, behind: Behind): Rule {
  return async (request, next) => {
    const check = checks[`${request.service}:${request.operation}`];
    const refusal = await check?.(request, { lives, behind });
    return refusal === undefined ? next(request) : refuse(request, refusal);
  };
}

const checks: Record<string, Check> = {
  "ec2:DeleteSecurityGroup": (request, known) => {
    const id = request.fields.get("GroupId") ?? "";
    const held = { filter: "group-id", id, isHeld: (hold: Hold) => hold.groupIds.includes(id) };
    return whenHeld(request, known, { ...held, message: `resource ${id} has a dependent object` });
  },

  "ec2:DeleteSubnet": (request, known) => {
    const id = request.fields.get("SubnetId") ?? "";
    const held = { filter: "subnet-id", id, isHeld: (hold: Hold) => hold.subnetId === id };
    const message = `The subnet '${id}' has dependencies and cannot be deleted.`;
    return whenHeld(request, known, { ...held, message });
  },

  "ec2:DetachInternetGateway": (request, known) => {
    const id = request.fields.get("VpcId") ?? "";
    const held = { filter: "vpc-id", id, isHeld: (hold: Hold) => hold.vpcId === id && hold.isPublic };
    const message = `Network ${id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`;
    return whenHeld(request, known, { ...held, isPublic: true, message });
  },

  "ec2:DeleteVpc": async (request, known) => {
    const id = request.fields.get("VpcId") ?? "";
    const message = `The vpc '${id}' has dependencies and cannot be deleted.`;
    if (await hasInhabitants(ec2Of(request, known), id)) return violation(message);
    return whenHeld(request, known, { filter: "vpc-id", id, isHeld: (hold) => hold.vpcId === id, message });
  },

  "ec2:ReleaseAddress": async (request, known) => {
    const id = request.fields.get("AllocationId") ?? "";
    const filters = [{ Name: "allocation-id", Values: [id] }];
    const { Addresses = [] } = await ec2Of(request, known).send(
      new DescribeAddressesCommand({ Filters: filters }),
    );
    const [address] = Addresses;
    if (!address?.AssociationId) return undefined;
    const message = `Address ${address.PublicIp} is in use.`;
    return { status: 400, code: "InvalidIPAddress.InUse", message };
  },

  "iam:DeletePolicy": async (request, { behind }) => {
    const { iam } = behind.clients(request.region);
    const PolicyArn = request.fields.get("PolicyArn") ?? "";
    const {
      PolicyRoles = [],
      PolicyUsers = [],
      PolicyGroups = [],
    } = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn }));
    if (PolicyRoles.length + PolicyUsers.length + PolicyGroups.length === 0) return undefined;
    const message = "Cannot delete a policy attached to entities.";
    return { status: 409, code: "DeleteConflict", message };
  },
};

const ec2Of = ({ region }: AwsRequest, { behind }: Known): EC2Client => behind.clients(region).ec2;

function violation(message: string): Refusal {
  return { status: 400, code: "DependencyViolation", message };
}

interface Held {
  /** The filter of DescribeNetworkInterfaces. */
  readonly filter: string;
  readonly id: string;
  /** Only interfaces with a public address count. */
  readonly isPublic?: boolean;
  readonly isHeld: (hold: Hold) => boolean;
  readonly message: string;
}

async function whenHeld(request: AwsRequest, known: Known, held: Held): Promise<Refusal | undefined> {
  const Filters = [{ Name: held.filter, Values: [held.id] }];
  const { NetworkInterfaces = [] } = await ec2Of(request, known).send(
    new DescribeNetworkInterfacesCommand({ Filters }),
  );
  const inUse = NetworkInterfaces.filter((one) => held.isPublic !== true || one.Association !== undefined);
  if (inUse.length > 0) return violation(held.message);
  const lingering = known.lives.holds.filter(held.isHeld);
  for (const hold of lingering) known.lives.refuse(hold);
  return lingering.length > 0 ? violation(held.message) : undefined;
}

/** Whether the VPC contains anything that AWS doesn't delete with it. */
async function hasInhabitants(ec2: EC2Client, id: string): Promise<boolean> {
  const inVpc = { Filters: [{ Name: "vpc-id", Values: [id] }] };
  const attached = { Filters: [{ Name: "attachment.vpc-id", Values: [id] }] };
  const [gateways, subnets, groups, tables, endpoints] = await Promise.all([
    ec2.send(new DescribeInternetGatewaysCommand(attached)),
    ec2.send(new DescribeSubnetsCommand(inVpc)),
    ec2.send(new DescribeSecurityGroupsCommand(inVpc)),
    ec2.send(new DescribeRouteTablesCommand(inVpc)),
    ec2.send(new DescribeVpcEndpointsCommand(inVpc)),
  ]);
  return [
    gateways.InternetGateways,
    subnets.Subnets,
    groups.SecurityGroups?.filter(({ GroupName }) => GroupName !== "default"),
    tables.RouteTables?.filter(({ Associations }) => !Associations?.some(({ Main }) => Main)),
    endpoints.VpcEndpoints?.filter(({ State }) => String(State).toLowerCase() !== "deleted"),
  ].some((list) => list !== undefined && list.length > 0);
}
