import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  DeleteInstanceProfileCommand,
  GetInstanceProfileCommand,
  paginateListInstanceProfiles,
  RemoveRoleFromInstanceProfileCommand,
  TagInstanceProfileCommand,
  type InstanceProfile,
} from "@aws-sdk/client-iam";
import { unlessAbsent } from "../../aws/errors.ts";
import { iamPath, instanceProfileName } from "../../aws/names.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { onceVisible } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { removeUntilGone, unlessGone } from "../../toolkit/removal.ts";
import type { Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface InstanceProfileDesired {
  /** Must be the name that `instanceProfileName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
  readonly roleName: string;
}

export interface ObservedInstanceProfile extends Observed {
  readonly arn: string;
  readonly path: string;
  /** AWS allows one role per profile. */
  readonly roleName?: string;
}

const kind = "instance-profile";

export const instanceProfile: Resource<InstanceProfileDesired, ObservedInstanceProfile> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getProfile(ctx, instanceProfileName(ctx, identity));
    return found && refuseStranger(identity, found, { kind, known, marked: found.path === iamPath(ctx) });
  },

  async create(ctx, identity, { name }) {
    await ctx.clients.iam.send(
      new CreateInstanceProfileCommand({
        InstanceProfileName: name,
        Path: iamPath(ctx),
        Tags: toTagList(identity.tags),
      }),
    );
    return name;
  },

  attributes: ({ roleName }) => [{ field: "role", value: roleName }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename an instance profile",
    }),
    ...fieldDifference("role", { desired: desired.roleName, observed: observed.roleName }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, { identity, desired, observed, differences }) {
    if (concerns(differences, "role")) await exchangeRole(ctx, observed.id, desired.roleName);
    if (!concerns(differences, "tags")) return;
    const tags = { InstanceProfileName: observed.id, Tags: toTagList(identity.tags) };
    await ctx.clients.iam.send(new TagInstanceProfileCommand(tags));
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `instance profile ${id}`,
      attempt: async () => {
        const observed = await getProfile(ctx, id);
        if (observed) await takeRoleOut(ctx, observed);
        await ctx.clients.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: id }));
      },
      listed: async () => (await getProfile(ctx, id)) !== undefined,
    });
  },

  async list(ctx, stack) {
    const names: string[] = [];
    for await (const page of paginateListInstanceProfiles(
      { client: ctx.clients.iam },
      { PathPrefix: iamPath(ctx) },
    )) {
      const here = (page.InstanceProfiles ?? []).filter(({ Path }) => Path === iamPath(ctx));
      names.push(...here.flatMap((one) => one.InstanceProfileName ?? []));
    }
    // IAM's list of profiles doesn't include their tags.
    const profiles = await Promise.all(names.map((name) => getProfile(ctx, name)));
    return toListed(
      kind,
      stack,
      profiles.filter((one) => one !== undefined),
    );
  },
};

/** Reads the profile first: a try whose reply was lost may have added the role, and AWS refuses to add even the same role twice. */
async function exchangeRole(ctx: WriteContext, id: string, roleName: string): Promise<void> {
  const observed = await getProfile(ctx, id);
  if (observed?.roleName === roleName) return;
  if (observed) await takeRoleOut(ctx, observed);
  const command = new AddRoleToInstanceProfileCommand({ InstanceProfileName: id, RoleName: roleName });
  try {
    await onceVisible(ctx, `role ${roleName} in instance profile ${id}`, () => ctx.clients.iam.send(command));
  } catch (error) {
    // The SDK's own retry after a lost reply is refused for the same reason.
    if ((await getProfile(ctx, id))?.roleName !== roleName) throw error;
  }
}

async function takeRoleOut(ctx: WriteContext, { id, roleName }: ObservedInstanceProfile): Promise<void> {
  if (roleName === undefined) return;
  const command = new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: id, RoleName: roleName });
  await unlessGone(ctx.clients.iam.send(command));
}

async function getProfile(ctx: ReadContext, name: string): Promise<ObservedInstanceProfile | undefined> {
  const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
  const answer = await unlessAbsent(ctx.clients.iam.send(command));
  return answer?.InstanceProfile && parseProfile(answer.InstanceProfile);
}

function parseProfile(raw: InstanceProfile): ObservedInstanceProfile {
  const roleName = raw.Roles?.[0]?.RoleName;
  return {
    id: raw.InstanceProfileName ?? "",
    tags: fromTagList(raw.Tags),
    arn: raw.Arn ?? "",
    path: raw.Path ?? "/",
    ...(roleName === undefined ? {} : { roleName }),
  };
}
