import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import { instanceProfileName, roleName } from "../../../lib/aws/names.ts";
import { toTagList } from "../../../lib/aws/tags.ts";
import { hostTrust } from "../../../lib/resources/identity/host-policy.ts";
import { instanceProfile } from "../../../lib/resources/identity/instance-profile.ts";
import { role } from "../../../lib/resources/identity/role.ts";
import type { Identity } from "../../../lib/contract/resource.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger, notes } = account;

const allow = (Action: string[], Resource: string | string[]) => ({ Effect: "Allow", Action, Resource });
const policyOf = (...Statement: ReturnType<typeof allow>[]) => ({ Version: "2012-10-17", Statement });
const getRelease = allow(["s3:GetObject"], "arn:aws:s3:::berth/release.json");
const pull = allow(
  ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
  ["arn:aws:ecr:::one", "arn:aws:ecr:::two"],
);
const anybody = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

const desiredRole = (identity: Identity) => ({
  name: roleName(ctx, identity),
  description: "What the host may do",
  trust: hostTrust(ctx),
  policy: policyOf(getRelease, pull),
});

async function reach(identity: Identity, desired: ReturnType<typeof desiredRole>): Promise<string[]> {
  const observed = await role.find(ctx, identity, desired.name);
  assert.ok(observed);
  const differences = role.differences(identity, desired, observed);
  await role.update(ctx, { identity, desired, observed, differences });
  return differences.map((one) => one.field);
}

resourceSuite({
  account,
  resource: role,
  prepare: async (identity) => desiredRole(identity),
  creation: ["CreateRole"],
  tagger: {
    add: ({ iam }, { id }, tags) => iam.send(new TagRoleCommand({ RoleName: id, Tags: toTagList(tags) })),
    take: ({ iam }, { id }, keys) => iam.send(new UntagRoleCommand({ RoleName: id, TagKeys: [...keys] })),
  },
  drifts: [
    {
      field: "description",
      act: ({ iam }, { id }) => iam.send(new UpdateRoleCommand({ RoleName: id, Description: "Anything" })),
    },
    {
      field: "trust",
      act: ({ iam }, { id }) =>
        iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: id, PolicyDocument: anybody })),
    },
    {
      field: "policy",
      act: ({ iam }, { id }) => iam.send(new DeleteRolePolicyCommand({ RoleName: id, PolicyName: "berth" })),
    },
    {
      field: "policy",
      act: ({ iam }, { id }) =>
        iam.send(
          new PutRolePolicyCommand({
            RoleName: id,
            PolicyName: "berth",
            PolicyDocument: JSON.stringify(policyOf(getRelease, pull, allow(["s3:*"], "*"))),
          }),
        ),
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "another" }) },
});

test("role: the same policy in another order is no difference", async () => {
  const identity = newIdentity("role");
  const desired = desiredRole(identity);
  await role.create(ctx, identity, desired);
  await reach(identity, desired);

  const turned = allow(pull.Action.toReversed(), ["arn:aws:ecr:::two", "arn:aws:ecr:::one"]);
  assert.deepEqual(await reach(identity, { ...desired, policy: policyOf(turned, getRelease) }), []);
  assert.deepEqual(await reach(identity, { ...desired, policy: policyOf(turned) }), ["policy"]);
});

test("role: one that a stranger gave the name to is refused and left alone", async () => {
  const identity = newIdentity("role");
  const name = roleName(ctx, identity);
  await stranger.iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: anybody }));

  for (const known of [undefined, name]) {
    await assert.rejects(
      role.find(ctx, identity, known),
      (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, "ForeignResource");
        return error.hint?.includes(name) ?? false;
      },
    );
  }
  assert.deepEqual(await role.list(ctx, identity.stack), []);
});

test("role: it goes with whatever a user hung on it, and says so", async () => {
  const identity = newIdentity("role");
  const desired = desiredRole(identity);
  await role.create(ctx, identity, desired);
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
  await stranger.iam.send(new AttachRolePolicyCommand({ RoleName: desired.name, PolicyArn }));
  await stranger.iam.send(
    new PutRolePolicyCommand({
      RoleName: desired.name,
      PolicyName: "theirs",
      PolicyDocument: JSON.stringify(desired.policy),
    }),
  );
  const profile = newIdentity("instance-profile");
  const profileWish = { name: instanceProfileName(ctx, profile), roleName: desired.name };
  const id = await instanceProfile.create(ctx, profile, profileWish);
  const observed = await instanceProfile.find(ctx, profile, id);
  assert.ok(observed);
  await instanceProfile.update(ctx, {
    identity: profile,
    desired: profileWish,
    observed,
    differences: instanceProfile.differences(profile, profileWish, observed),
  });

  await role.remove(ctx, desired.name);

  await assert.rejects(stranger.iam.send(new GetRoleCommand({ RoleName: desired.name })), {
    name: /NoSuchEntity/,
  });
  assert.ok(notes.some((note) => note.includes(PolicyArn)));
});

test("role: untagged, it is only taken for ours where its name is recorded", async () => {
  const identity = newIdentity("role");
  const { name } = desiredRole(identity);
  await role.create(ctx, identity, desiredRole(identity));
  await stranger.iam.send(new UntagRoleCommand({ RoleName: name, TagKeys: Object.keys(identity.tags) }));

  assert.equal((await role.find(ctx, identity, name))?.id, name);
  await assert.rejects(role.find(ctx, identity), { code: "ForeignResource" });
});
