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
  Facts,
  Identity,
  Resource,
  ReadContext,
  WriteContext,
} from "../../contract/resource.ts";

export interface SecurityGroupDesired {
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  /** Exactly these: what anybody else let in is revoked. */
  readonly ingress: readonly IngressRule[];
}

export interface SecurityGroupFacts extends Facts {
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  /** Rules as text (`tcp/80 from 0.0.0.0/0`), each with what revokes it. */
  readonly ingress: Readonly<Record<string, IpPermission>>;
  /** Whether everything may go out, as AWS sets up a new group. */
  readonly openEgress: boolean;
}

const kind = "security-group";

export const securityGroup: Resource<SecurityGroupDesired, SecurityGroupFacts> = {
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

  differences: (identity, desired, facts) => [
    ...fieldDifference("vpc", {
      wanted: desired.vpcId,
      found: facts.vpcId,
      replace: "AWS can't move a security group to another VPC",
    }),
    ...fieldDifference("name", {
      wanted: groupName(identity, desired),
      found: facts.name,
      replace: "AWS can't rename a security group",
    }),
    ...fieldDifference("description", {
      wanted: desired.description,
      found: facts.description,
      replace: "AWS can't change a security group's description",
    }),
    ...ingressDifferences(desired.ingress, facts),
    ...fieldDifference("egress", { wanted: "open", found: facts.openEgress ? "open" : "restricted" }),
    ...identityDifferences(identity, facts),
  ],

  async update(ctx, change) {
    const { desired, facts, differences } = change;
    // First what shall be let in: a changed rule isn't closed for a moment.
    for (const rule of missingRules(desired.ingress, facts)) await authorize(ctx, facts.id, rule);
    for (const permission of strangeRules(desired.ingress, facts)) await revoke(ctx, facts.id, permission);
    if (concerns(differences, "egress")) await openEgress(ctx, facts.id);
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

/** Names are unique in a VPC, and a replacement is made beside the old group. */
function groupName(identity: Identity, desired: SecurityGroupDesired): string {
  return identity.generation > 1 ? `${desired.name}-${identity.generation}` : desired.name;
}

function ingressDifferences(wanted: readonly IngressRule[], facts: SecurityGroupFacts): Difference[] {
  const missing = missingRules(wanted, facts).map((rule) =>
    fieldDifference(`ingress[${ruleKey(rule)}]`, { wanted: "allowed", found: undefined }),
  );
  const keys = new Set(wanted.map(ruleKey));
  const strange = Object.keys(facts.ingress).filter((key) => !keys.has(key));
  return [
    ...missing,
    ...strange.map((key) => fieldDifference(`ingress[${key}]`, { wanted: undefined, found: "allowed" })),
  ].flat();
}

function missingRules(wanted: readonly IngressRule[], facts: SecurityGroupFacts): IngressRule[] {
  const byKey = new Map(wanted.map((rule) => [ruleKey(rule), rule]));
  return [...byKey].filter(([key]) => !(key in facts.ingress)).map(([, rule]) => rule);
}

function strangeRules(wanted: readonly IngressRule[], facts: SecurityGroupFacts): IpPermission[] {
  const keys = new Set(wanted.map(ruleKey));
  return Object.entries(facts.ingress).flatMap(([key, permission]) => (keys.has(key) ? [] : [permission]));
}

// One rule a call: a rule that is there already would make AWS refuse the others of the same call.
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

async function describe(ctx: ReadContext, filters: Filter[]): Promise<SecurityGroupFacts[]> {
  const found: SecurityGroupFacts[] = [];
  for await (const page of paginateDescribeSecurityGroups(
    { client: ctx.clients.ec2 },
    { Filters: filters },
  )) {
    found.push(...(page.SecurityGroups ?? []).map(parseGroup));
  }
  return found;
}

function parseGroup(raw: SecurityGroup): SecurityGroupFacts {
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
