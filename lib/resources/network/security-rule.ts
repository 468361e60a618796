import type { IpPermission } from "@aws-sdk/client-ec2";

export interface IngressRule {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** An IPv4 or IPv6 block with no bits set after the prefix, as AWS writes it. */
  readonly cidr: string;
}

export const everythingOut: IpPermission = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };

/** The rule as a user would write it: `tcp/80 from 0.0.0.0/0`. Equal rules have equal keys. */
export const ruleKey = (rule: IngressRule): string => `${rule.protocol}/${rule.port} from ${rule.cidr}`;

export function toPermission({ protocol, port, cidr }: IngressRule): IpPermission {
  const ports = { IpProtocol: protocol, FromPort: port, ToPort: port };
  return cidr.includes(":")
    ? { ...ports, Ipv6Ranges: [{ CidrIpv6: cidr }] }
    : { ...ports, IpRanges: [{ CidrIp: cidr }] };
}

/** Splits permissions by source: AWS groups all sources of a port into one permission. The keys are those of `ruleKey`. */
export function flattenPermissions(permissions: readonly IpPermission[] = []): Record<string, IpPermission> {
  return Object.fromEntries(permissions.flatMap(flattenPermission));
}

function flattenPermission(permission: IpPermission): [string, IpPermission][] {
  const { IpRanges = [], Ipv6Ranges = [], PrefixListIds = [], UserIdGroupPairs = [], ...ports } = permission;
  const rule = (source: string | undefined, range: IpPermission): [string, IpPermission] => [
    `${describePorts(ports)} from ${source ?? "?"}`,
    { ...ports, ...range },
  ];
  // Descriptions are dropped: they don't distinguish rules, and a rule is revoked without one.
  return [
    ...IpRanges.map(({ CidrIp }) => rule(CidrIp, { IpRanges: [{ CidrIp }] })),
    ...Ipv6Ranges.map(({ CidrIpv6 }) => rule(CidrIpv6, { Ipv6Ranges: [{ CidrIpv6 }] })),
    ...PrefixListIds.map(({ PrefixListId }) => rule(PrefixListId, { PrefixListIds: [{ PrefixListId }] })),
    ...UserIdGroupPairs.map(({ GroupId, UserId }) =>
      rule(GroupId, { UserIdGroupPairs: [{ GroupId, UserId }] }),
    ),
  ];
}

function describePorts({ IpProtocol = "-1", FromPort, ToPort }: IpPermission): string {
  if (IpProtocol === "-1") return "all";
  if (FromPort === undefined || FromPort === -1) return IpProtocol;
  return FromPort === ToPort ? `${IpProtocol}/${FromPort}` : `${IpProtocol}/${FromPort}-${ToPort}`;
}
