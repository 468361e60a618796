import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  paginateListAttachedRolePolicies,
  paginateListInstanceProfilesForRole,
  paginateListRolePolicies,
  paginateListRoles,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
  type Role,
} from "@aws-sdk/client-iam";
import { unlessAbsent } from "../../aws/errors.ts";
import { iamPath, iamRoot, roleName } from "../../aws/names.ts";
import { parsePolicy, samePolicy, type PolicyDocument } from "../../aws/policy-document.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { isOwnedBy } from "../../owner.ts";
import { onceVisible } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { removeUntilGone, unlessGone } from "../../toolkit/removal.ts";
import type { Difference, Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface RoleDesired {
  /** Must be the name that `roleName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
  readonly description: string;
  /** Who may use the role. */
  readonly trust: PolicyDocument;
  /** Everything that the host may do. */
  readonly policy: PolicyDocument;
}

export interface ObservedRole extends Observed {
  readonly arn: string;
  readonly path: string;
  readonly description: string;
  readonly trust?: PolicyDocument | undefined;
  readonly policy?: PolicyDocument | undefined;
}

const kind = "role";
const policyName = "berth";

/** What the host may do in AWS. Berth manages the policy called `berth` and leaves policies that a user added. */
export const role: Resource<RoleDesired, ObservedRole> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getRole(ctx, roleName(ctx, identity));
    return found && refuseStranger(identity, found, { kind, known, marked: found.path === iamPath(ctx) });
  },

  async create(ctx, identity, desired) {
    await ctx.clients.iam.send(
      new CreateRoleCommand({
        RoleName: desired.name,
        Path: iamPath(ctx),
        Description: desired.description,
        AssumeRolePolicyDocument: JSON.stringify(desired.trust),
        Tags: toTagList(identity.tags),
      }),
    );
    return desired.name;
  },

  attributes: ({ name }) => [{ field: "", value: name }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename a role",
    }),
    ...fieldDifference("description", { desired: desired.description, observed: observed.description }),
    ...policyDifference("trust", desired.trust, observed.trust),
    ...policyDifference("policy", desired.policy, observed.policy),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, { identity, desired, observed, differences }) {
    const { iam } = ctx.clients;
    const RoleName = observed.id;
    if (concerns(differences, "description")) {
      await iam.send(new UpdateRoleCommand({ RoleName, Description: desired.description }));
    }
    if (concerns(differences, "trust")) {
      const PolicyDocument = JSON.stringify(desired.trust);
      await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
    }
    if (concerns(differences, "policy")) {
      const PolicyDocument = JSON.stringify(desired.policy);
      const command = new PutRolePolicyCommand({ RoleName, PolicyName: policyName, PolicyDocument });
      await onceVisible(ctx, `policy of role ${RoleName}`, () => iam.send(command));
    }
    if (concerns(differences, "tags")) {
      await iam.send(new TagRoleCommand({ RoleName, Tags: toTagList(identity.tags) }));
    }
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `role ${id}`,
      attempt: async () => {
        await emptyRole(ctx, id);
        await ctx.clients.iam.send(new DeleteRoleCommand({ RoleName: id }));
      },
      listed: async () => (await getRole(ctx, id)) !== undefined,
    });
  },

  async list(ctx, stack) {
    const here = iamPath(ctx);
    const listed = (await listRoles(ctx, here)).filter(({ Path }) => Path === here);
    // IAM's list of roles doesn't include their tags.
    const roles = await Promise.all(listed.map(({ RoleName = "" }) => getRole(ctx, RoleName)));
    return toListed(
      kind,
      stack,
      roles.filter((one) => one !== undefined),
    );
  },
};

/** The other regions in which the stack has a role. IAM is global, so one look covers all regions. */
export async function findOtherRegions(ctx: ReadContext, stack: string): Promise<string[]> {
  const listed = await listRoles(ctx, iamRoot);
  const others = listed.flatMap(({ Path = "", RoleName = "" }) => {
    const region = Path.slice(iamRoot.length, -1);
    const isOther = Path.startsWith(iamRoot) && region !== ctx.region;
    return isOther && RoleName === roleName({ region }, { stack, name: kind }) ? [{ region, RoleName }] : [];
  });
  const roles = await Promise.all(others.map(({ RoleName }) => getRole(ctx, RoleName)));
  return others
    .filter((_, index) => isOwnedBy(stack, roles[index]?.tags ?? {}))
    .map(({ region }) => region)
    .toSorted();
}

async function listRoles(ctx: ReadContext, PathPrefix: string): Promise<Role[]> {
  const roles: Role[] = [];
  for await (const page of paginateListRoles({ client: ctx.clients.iam }, { PathPrefix })) {
    roles.push(...(page.Roles ?? []));
  }
  return roles;
}

function policyDifference(
  field: string,
  desired: PolicyDocument,
  observed: PolicyDocument | undefined,
): Difference[] {
  if (samePolicy(desired, observed)) return [];
  return [
    {
      field,
      desired: JSON.stringify(desired),
      observed: observed ? JSON.stringify(observed) : "none",
      action: "update",
    },
  ];
}

/** Detaches everything from the role, whoever attached it. AWS deletes a role only if nothing is attached to it. */
async function emptyRole(ctx: WriteContext, id: string): Promise<void> {
  const { iam } = ctx.clients;
  const RoleName = id;
  const pages = [{ client: iam }, { RoleName }] as const;
  for await (const page of paginateListInstanceProfilesForRole(...pages)) {
    for (const { InstanceProfileName } of page.InstanceProfiles ?? []) {
      await unlessGone(iam.send(new RemoveRoleFromInstanceProfileCommand({ RoleName, InstanceProfileName })));
    }
  }
  for await (const page of paginateListRolePolicies(...pages)) {
    for (const PolicyName of page.PolicyNames ?? []) {
      await unlessGone(iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName })));
    }
  }
  for await (const page of paginateListAttachedRolePolicies(...pages)) {
    for (const { PolicyArn } of page.AttachedPolicies ?? []) {
      ctx.note(`detaching ${PolicyArn}, which somebody attached to role ${id}`);
      await unlessGone(iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn })));
    }
  }
}

async function getRole(ctx: ReadContext, name: string): Promise<ObservedRole | undefined> {
  const { iam } = ctx.clients;
  const [found, policy] = await Promise.all([
    unlessAbsent(iam.send(new GetRoleCommand({ RoleName: name }))),
    unlessAbsent(iam.send(new GetRolePolicyCommand({ RoleName: name, PolicyName: policyName }))),
  ]);
  return found?.Role && parseRole(found.Role, policy?.PolicyDocument);
}

function parseRole(raw: Role, policy: string | undefined): ObservedRole {
  return {
    id: raw.RoleName ?? "",
    tags: fromTagList(raw.Tags),
    arn: raw.Arn ?? "",
    path: raw.Path ?? "/",
    description: raw.Description ?? "",
    trust: parsePolicy(raw.AssumeRolePolicyDocument),
    policy: parsePolicy(policy),
  };
}
