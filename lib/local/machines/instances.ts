import {
  DescribeAddressesCommand,
  DescribeInstanceAttributeCommand,
  DescribeSecurityGroupsCommand,
  paginateDescribeInstances,
  type Instance,
  type IpPermission,
} from "@aws-sdk/client-ec2";
import { GetInstanceProfileCommand } from "@aws-sdk/client-iam";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import type { Clients } from "../../aws/clients.ts";

/** An instance as the API describes it, with what is needed to run it as a machine. */
export interface DescribedInstance {
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  readonly state: string;
  readonly imageId: string;
  readonly type: string;
  readonly privateAddress: string;
  readonly privateName: string;
  readonly macAddress: string;
  readonly subnet: string;
  readonly vpc: string;
  /** The associated Elastic IP. Addresses of moto's that this computer can't listen on are left out. */
  readonly publicAddress: string | undefined;
  readonly profileArn: string | undefined;
  readonly securityGroups: readonly string[];
  readonly launchedAt: string;
}

/** A range of ports of one instance that may be reached from outside. */
export interface Rule {
  readonly firstPort: number;
  readonly lastPort: number;
  /** IPv4 CIDR ranges. */
  readonly sources: readonly string[];
}

export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly token: string;
  readonly expires: Date;
}

/** AWS lists the groups of the instance and of its interfaces. moto lists one of the two, depending on the launch request. */
function groupsOf({ SecurityGroups = [], NetworkInterfaces = [] }: Instance): string[] {
  const groups = [...SecurityGroups, ...NetworkInterfaces.flatMap(({ Groups = [] }) => Groups)];
  return [...new Set(groups.flatMap(({ GroupId }) => GroupId ?? []))];
}

/** All instances of the clients' region, including terminated ones. */
export async function listInstances(clients: Clients, region: string): Promise<DescribedInstance[]> {
  const { Addresses = [] } = await clients.ec2.send(new DescribeAddressesCommand({}));
  const publicAddresses = new Map(Addresses.map((address) => [address.InstanceId, address.PublicIp]));
  const found: DescribedInstance[] = [];
  for await (const page of paginateDescribeInstances({ client: clients.ec2 }, {})) {
    for (const instance of (page.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? [])) {
      const publicAddress = publicAddresses.get(instance.InstanceId ?? "");
      found.push(describe(instance, region, publicAddress));
    }
  }
  return found;
}

function describe(instance: Instance, region: string, publicAddress: string | undefined): DescribedInstance {
  return {
    id: instance.InstanceId ?? "",
    region,
    zone: instance.Placement?.AvailabilityZone ?? "",
    state: instance.State?.Name ?? "",
    imageId: instance.ImageId ?? "",
    type: instance.InstanceType ?? "",
    privateAddress: instance.PrivateIpAddress ?? "",
    privateName: instance.PrivateDnsName ?? "",
    macAddress: instance.NetworkInterfaces?.[0]?.MacAddress ?? "",
    subnet: instance.SubnetId ?? "",
    vpc: instance.VpcId ?? "",
    publicAddress,
    profileArn: instance.IamInstanceProfile?.Arn,
    securityGroups: groupsOf(instance),
    launchedAt: (instance.LaunchTime ?? new Date()).toISOString(),
  };
}

/** The exact bytes that RunInstances received as user data; undefined when it received none. */
export async function readUserData(clients: Clients, instanceId: string): Promise<Buffer | undefined> {
  const { UserData } = await clients.ec2.send(
    new DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute: "userData" }),
  );
  return UserData?.Value === undefined || UserData.Value === ""
    ? undefined
    : Buffer.from(UserData.Value, "base64");
}

/** The rules by which the security groups together admit TCP connections from IPv4 addresses. */
export async function readRules(clients: Clients, groups: readonly string[]): Promise<Rule[]> {
  if (groups.length === 0) return [];
  const { SecurityGroups = [] } = await clients.ec2.send(
    new DescribeSecurityGroupsCommand({ GroupIds: [...groups] }),
  );
  return SecurityGroups.flatMap((group) => group.IpPermissions ?? []).flatMap(toRule);
}

function toRule(permission: IpPermission): Rule[] {
  const { IpProtocol: protocol, FromPort, ToPort, IpRanges = [] } = permission;
  const all = protocol === "-1";
  if (!all && protocol !== "tcp" && protocol !== "6") return [];
  return [
    {
      firstPort: all ? 0 : (FromPort ?? 0),
      lastPort: all ? 65_535 : (ToPort ?? 65_535),
      sources: IpRanges.flatMap(({ CidrIp }) => CidrIp ?? []),
    },
  ];
}

/** The role in the instance profile. Undefined when there is no profile or it has no role. */
export async function findRole(
  clients: Clients,
  profileArn: string | undefined,
): Promise<{ name: string; arn: string } | undefined> {
  const InstanceProfileName = profileArn?.split("/").at(-1);
  if (InstanceProfileName === undefined) return undefined;
  const { InstanceProfile } = await clients.iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
  const role = InstanceProfile?.Roles?.[0];
  return role?.RoleName === undefined || role.Arn === undefined
    ? undefined
    : { name: role.RoleName, arn: role.Arn };
}

/** Gets temporary credentials of the role, with the instance's id as session name, as EC2 does. */
export async function assumeRole(
  clients: Clients,
  roleArn: string,
  instanceId: string,
): Promise<RoleCredentials> {
  const { Credentials } = await clients.sts.send(
    new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: instanceId, DurationSeconds: 3600 }),
  );
  return {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    token: Credentials?.SessionToken ?? "",
    expires: Credentials?.Expiration ?? new Date(Date.now() + 3_600_000),
  };
}
