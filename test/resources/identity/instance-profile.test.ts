import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagInstanceProfileCommand,
  UntagInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import { instanceProfileName } from "../../../lib/aws/names.ts";
import { toTagList } from "../../../lib/aws/tags.ts";
import { instanceProfile } from "../../../lib/resources/identity/instance-profile.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

async function makeRole(name: string): Promise<string> {
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await stranger.iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
  return name;
}

resourceSuite({
  account,
  resource: instanceProfile,
  prepare: async (identity) => ({
    name: instanceProfileName(ctx, identity),
    roleName: await makeRole(`role-of-${identity.stack}`),
  }),
  creation: ["CreateInstanceProfile"],
  tagger: {
    add: ({ iam }, { id }, tags) =>
      iam.send(new TagInstanceProfileCommand({ InstanceProfileName: id, Tags: toTagList(tags) })),
    take: ({ iam }, { id }, keys) =>
      iam.send(new UntagInstanceProfileCommand({ InstanceProfileName: id, TagKeys: [...keys] })),
  },
  drifts: [
    {
      field: "role",
      act: ({ iam }, { id }, { roleName }) =>
        iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: id, RoleName: roleName })),
    },
    {
      field: "role",
      act: async ({ iam }, { id }, { roleName }) => {
        await iam.send(
          new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: id, RoleName: roleName }),
        );
        const other = await makeRole(`other-${id}`);
        return iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: id, RoleName: other }));
      },
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "another" }) },
});

test("instance profile: one that a stranger gave the name to is refused", async () => {
  const identity = newIdentity("instance-profile");
  const name = instanceProfileName(ctx, identity);
  await stranger.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));

  for (const known of [undefined, name]) {
    await assert.rejects(instanceProfile.find(ctx, identity, known), { code: "ForeignResource" });
  }
});

test("instance profile: a role that an earlier attempt put in isn't taken out for a moment", async () => {
  const identity = newIdentity("instance-profile");
  const desired = {
    name: instanceProfileName(ctx, identity),
    roleName: await makeRole(`role-of-${identity.stack}`),
  };
  await instanceProfile.create(ctx, identity, desired);
  const observed = await instanceProfile.find(ctx, identity);
  assert.ok(observed);
  const change = {
    identity,
    desired,
    observed,
    differences: instanceProfile.differences(identity, desired, observed),
  };
  await instanceProfile.update(ctx, change);
  const before = account.calls.length;

  await instanceProfile.update(ctx, change);

  assert.deepEqual(
    account.calls.slice(before).filter((call) => call.kind === "write"),
    [],
  );
});
