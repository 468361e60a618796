import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupIngressCommand,
  type Filter,
  type IpPermission,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId, unlessThere } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { describeInterfaces, removeUntilGone, unlessGone } from "../../toolkit/removal.ts";
import {
  everythingOut,
  flattenPermissions,
  ruleKey,
  toPermission,
  type IngressRule,
} from "./security-rule.ts";
import type {
  Difference,
  Observed,
  Identity,
  Resource,
  ReadContext,
  WriteContext,
} from "../../contract/resource.ts";

export interface SecurityGroupDesired {
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  /** The only desired rules. Rules that anybody else added are revoked. */
  readonly ingress: readonly IngressRule[];
}

export interface ObservedSecurityGroup extends Observed {
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  /** The observed rules. Keys are rules as text (`tcp/80 from 0.0.0.0/0`), values are the permissions that revoke them. */
  readonly ingress: Readonly<Record<string, IpPermission>>;
  /** Whether all outbound traffic is allowed, as in a new group. */
  readonly openEgress: boolean;
}

const kind = "security-group";

export const securityGroup: Resource<SecurityGroupDesired, ObservedSecurityGroup> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity, desired) {
    const command = new CreateSecurityGroupCommand({
      VpcId: desired.vpcId,
      GroupName: groupName(identity, desired),
      Description: desired.description,
      TagSpecifications: tagSpecifications(identity.tags, "security-group"),
    });
    const { GroupId } = await onceVisible(ctx, `security group in ${desired.vpcId}`, () =>
      ctx.clients.ec2.send(command),
    );
    return requireId(GroupId, "CreateSecurityGroup");
  },

  attributes: ({ ingress }) => ingress.map((rule) => ({ field: "ingress", value: ruleKey(rule) })),

  differences: (identity, desired, observed) => [
    ...fieldDifference("vpc", {
      desired: desired.vpcId,
      observed: observed.vpcId,
      replace: "AWS can't move a security group to another VPC",
    }),
    ...fieldDifference("name", {
      desired: groupName(identity, desired),
      observed: observed.name,
      replace: "AWS can't rename a security group",
    }),
    ...fieldDifference("description", {
      desired: desired.description,
      observed: observed.description,
      replace: "AWS can't change a security group's description",
    }),
    ...ingressDifferences(desired.ingress, observed),
    ...fieldDifference("egress", { desired: "open", observed: observed.openEgress ? "open" : "restricted" }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { desired, observed, differences } = change;
    // New rules are added before old ones are revoked, so that a changed rule is never closed in between.
    for (const rule of missingRules(desired.ingress, observed)) await authorize(ctx, observed.id, rule);
    for (const permission of strangeRules(desired.ingress, observed))
      await revoke(ctx, observed.id, permission);
    if (concerns(differences, "egress")) await openEgress(ctx, observed.id);
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `security group ${id}`,
      attempt: () => ctx.clients.ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })),
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
      blockers: () => describeInterfaces(ctx.clients.ec2, { Name: "group-id", Values: [id] }),
    });
  },

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "group-id", describe });

/** Names must be unique in a VPC, and a replacement exists beside the old group. */
function groupName(identity: Identity, desired: SecurityGroupDesired): string {
  return identity.generation > 1 ? `${desired.name}-${identity.generation}` : desired.name;
}

function ingressDifferences(desired: readonly IngressRule[], observed: ObservedSecurityGroup): Difference[] {
  const missing = missingRules(desired, observed).map((rule) =>
    fieldDifference(`ingress[${ruleKey(rule)}]`, { desired: "allowed", observed: undefined }),
  );
  const keys = new Set(desired.map(ruleKey));
  const strange = Object.keys(observed.ingress).filter((key) => !keys.has(key));
  return [
    ...missing,
    ...strange.map((key) => fieldDifference(`ingress[${key}]`, { desired: undefined, observed: "allowed" })),
  ].flat();
}

function missingRules(desired: readonly IngressRule[], observed: ObservedSecurityGroup): IngressRule[] {
  const byKey = new Map(desired.map((rule) => [ruleKey(rule), rule]));
  return [...byKey].filter(([key]) => !(key in observed.ingress)).map(([, rule]) => rule);
}

function strangeRules(desired: readonly IngressRule[], observed: ObservedSecurityGroup): IpPermission[] {
  const keys = new Set(desired.map(ruleKey));
  return Object.entries(observed.ingress).flatMap(([key, permission]) => (keys.has(key) ? [] : [permission]));
}

// One rule per call: if one rule exists already, AWS refuses all rules of the same call.
async function authorize(ctx: WriteContext, id: string, rule: IngressRule): Promise<void> {
  const command = new AuthorizeSecurityGroupIngressCommand({
    GroupId: id,
    IpPermissions: [toPermission(rule)],
  });
  await unlessThere(onceVisible(ctx, `rule ${ruleKey(rule)} of ${id}`, () => ctx.clients.ec2.send(command)));
}

async function revoke(ctx: WriteContext, id: string, permission: IpPermission): Promise<void> {
  const command = new RevokeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [permission] });
  await unlessGone(ctx.clients.ec2.send(command));
}

async function openEgress(ctx: WriteContext, id: string): Promise<void> {
  const command = new AuthorizeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [everythingOut] });
  await unlessThere(ctx.clients.ec2.send(command));
}

async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedSecurityGroup[]> {
  const pages = paginateDescribeSecurityGroups({ client: ctx.clients.ec2 }, { Filters: filters });
  return collect(pages, ({ SecurityGroups = [] }) => SecurityGroups.map(parseGroup));
}

function parseGroup(raw: SecurityGroup): ObservedSecurityGroup {
  return {
    id: requireId(raw.GroupId, "DescribeSecurityGroups"),
    tags: fromTagList(raw.Tags),
    vpcId: raw.VpcId ?? "",
    name: raw.GroupName ?? "",
    description: raw.Description ?? "",
    ingress: flattenPermissions(raw.IpPermissions),
    openEgress: "all from 0.0.0.0/0" in flattenPermissions(raw.IpPermissionsEgress),
  };
}
