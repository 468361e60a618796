import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateSecurityGroupCommand,
  DeleteTagsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DescribeInstanceCreditSpecificationsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DisassociateIamInstanceProfileCommand,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  ModifyVolumeCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  DeleteInstanceProfileCommand,
  GetInstanceProfileCommand,
  RemoveRoleFromInstanceProfileCommand,
  CreateRoleCommand,
} from "@aws-sdk/client-iam";
import { lookupMachineImage } from "../../../lib/aws/lookup.ts";
import { iamPath } from "../../../lib/aws/names.ts";
import { limitServing } from "../../../lib/resources/compute/cpu-credits.ts";
import { instance, type InstanceDesired } from "../../../lib/resources/compute/instance.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";
import { makeNetwork } from "../network/network.ts";

const account = await openAccount();
const { ctx, stranger } = account;
const image = await lookupMachineImage(ctx, "debian-13", "x86_64");
const { vpcId, subnetId } = await makeNetwork(account);
const [securityGroupId, otherGroupId] = await Promise.all([makeGroup("one"), makeGroup("other")]);
await Promise.all([makeProfile("host"), makeProfile("other-host")]);

async function makeGroup(GroupName: string): Promise<string> {
  const command = new CreateSecurityGroupCommand({ VpcId: vpcId, GroupName, Description: GroupName });
  return (await stranger.ec2.send(command)).GroupId ?? "";
}

async function makeProfile(name: string, { withRole = true } = {}): Promise<void> {
  const { iam } = stranger;
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  if (withRole) await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name, Path: iamPath(ctx) }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
}

const declaration: InstanceDesired = {
  ...image,
  os: "debian-13",
  type: "t3.micro",
  subnetId,
  securityGroupId,
  profileName: "host",
  userData: "#cloud-config\nhostname: häfen\n",
  diskGib: 12,
};

async function describe(id: string) {
  const { Reservations = [] } = await stranger.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const found = Reservations[0]?.Instances?.[0];
  assert.ok(found);
  return found;
}

async function profileAssociation(id: string) {
  const Filters = [{ Name: "instance-id", Values: [id] }];
  const command = new DescribeIamInstanceProfileAssociationsCommand({ Filters });
  return (await stranger.ec2.send(command)).IamInstanceProfileAssociations?.[0];
}

async function deleteProfile(InstanceProfileName: string): Promise<void> {
  const held = { InstanceProfileName, RoleName: InstanceProfileName };
  await stranger.iam.send(new RemoveRoleFromInstanceProfileCommand(held));
  await stranger.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
}

resourceSuite({
  account,
  resource: instance,
  prepare: async () => declaration,
  creation: ["RunInstances"],
  drifts: [
    { field: "state", act: ({ ec2 }, { id }) => ec2.send(new StopInstancesCommand({ InstanceIds: [id] })) },
    {
      field: "metadata.",
      act: ({ ec2 }, { id }) =>
        ec2.send(
          new ModifyInstanceMetadataOptionsCommand({
            InstanceId: id,
            HttpTokens: "optional",
            HttpPutResponseHopLimit: 3,
            HttpEndpoint: "disabled",
          }),
        ),
    },
    {
      field: "security-groups",
      act: ({ ec2 }, { id }) =>
        ec2.send(
          new ModifyInstanceAttributeCommand({ InstanceId: id, Groups: [securityGroupId, otherGroupId] }),
        ),
    },
    {
      field: "profile",
      act: async ({ ec2 }, { id }) =>
        ec2.send(
          new DisassociateIamInstanceProfileCommand({
            AssociationId: (await profileAssociation(id))?.AssociationId,
          }),
        ),
    },
    {
      field: "disk.type",
      act: ({ ec2 }, { disk }) =>
        ec2.send(new ModifyVolumeCommand({ VolumeId: disk?.id, VolumeType: "gp2" })),
    },
    {
      field: "tags.berth:os",
      act: ({ ec2 }, { id }) =>
        ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: "berth:os" }] })),
    },
  ],
  replacements: {
    type: (desired) => ({ ...desired, type: "t3.small" }),
    subnet: (desired) => ({ ...desired, subnetId: "subnet-0123456789abcdef0" }),
    "user-data": (desired) => ({ ...desired, userData: "#cloud-config\n" }),
    "disk.gib": (desired) => ({ ...desired, diskGib: 20 }),
    os: (desired) => ({ ...desired, os: "amazon-linux-2023" }),
  },
});

test("instance: it is launched as safely as it is described", async () => {
  const identity = newIdentity("instance");

  const id = await instance.create(ctx, identity, declaration);

  const found = await describe(id);
  assert.equal(found.KeyName ?? "", "");
  assert.equal(found.MetadataOptions?.HttpTokens, "required");
  assert.equal(found.MetadataOptions.HttpPutResponseHopLimit, 1);
  assert.deepEqual(
    found.NetworkInterfaces?.map((one) => one.Groups?.map((group) => group.GroupId)),
    [[securityGroupId]],
  );
  assert.ok(found.PublicIpAddress);
  const Filters = [{ Name: "attachment.instance-id", Values: [id] }];
  const { Volumes = [] } = await stranger.ec2.send(new DescribeVolumesCommand({ Filters }));
  assert.deepEqual(
    Volumes.map((one) => [
      one.Encrypted,
      one.VolumeType,
      one.Size,
      one.Tags?.some((tag) => tag.Value === identity.stack),
    ]),
    [[true, "gp3", 12, true]],
  );
  const observed = await instance.find(ctx, identity, id);
  assert.equal(observed?.userData, declaration.userData);
  assert.equal(observed?.publicIp, found.PublicIpAddress);
});

test("instance: a newer image of the same system is no difference", async () => {
  const identity = newIdentity("instance");
  const id = await instance.create(ctx, identity, declaration);
  const observed = await instance.find(ctx, identity, id);
  assert.ok(observed);

  assert.deepEqual(
    instance.differences(identity, { ...declaration, imageId: "ami-0123456789abcdef0" }, observed),
    [],
  );
});

async function creditsOf(id: string): Promise<string | undefined> {
  const command = new DescribeInstanceCreditSpecificationsCommand({ InstanceIds: [id] });
  return (await stranger.ec2.send(command)).InstanceCreditSpecifications?.[0]?.CpuCredits;
}

test("instance: it boots at full speed, and is limited once it serves", async () => {
  const identity = newIdentity("instance");
  const id = await instance.create(ctx, identity, declaration);
  const booting = await instance.find(ctx, identity, id);
  assert.ok(booting);
  assert.equal(await creditsOf(id), "unlimited");
  assert.deepEqual(instance.differences(identity, declaration, booting), []);

  await limitServing(ctx, [id]);
  const before = account.calls.length;
  await limitServing(ctx, [id]);

  assert.equal(await creditsOf(id), "standard");
  assert.ok(account.calls.slice(before).every(({ kind }) => kind === "read"));
});

test("instance: one that is unlimited long after its boot is limited", async () => {
  const identity = newIdentity("instance");
  const id = await instance.create(ctx, identity, declaration);
  const found = await instance.find(ctx, identity, id);
  assert.ok(found);
  // As it reads a quarter of an hour later.
  const observed = { ...found, isBooting: false };

  const differences = instance.differences(identity, declaration, observed);
  await instance.update(ctx, { identity, desired: declaration, observed, differences });

  assert.deepEqual(
    differences.map(({ field, desired }) => [field, desired]),
    [["cpu-credits", "standard"]],
  );
  assert.equal(await creditsOf(id), "standard");
});

test("instance: terminated behind Berth's back, it is absent, by id and by tags", async () => {
  const identity = newIdentity("instance");
  const id = await instance.create(ctx, identity, declaration);
  await stranger.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));

  assert.equal(await instance.find(ctx, identity, id), undefined);
  assert.equal(await instance.find(ctx, identity), undefined);
  assert.deepEqual(await instance.list(ctx, identity.stack), []);
});

test("instance: user data that AWS would refuse is refused before the call", async () => {
  const before = account.calls.length;

  await assert.rejects(
    instance.create(ctx, newIdentity("instance"), { ...declaration, userData: "é".repeat(8193) }),
    {
      code: "UserDataTooLarge",
    },
  );
  assert.equal(account.calls.length, before);
});

test("instance: user data is told by its length and hash, never shown", async () => {
  const identity = newIdentity("instance");
  const id = await instance.create(ctx, identity, { ...declaration, userData: "password: s3cret" });
  const observed = await instance.find(ctx, identity, id);
  assert.ok(observed);

  const text = JSON.stringify(instance.differences(identity, declaration, observed));

  assert.ok(text.includes("user-data") && !text.includes("s3cret"));
});

test("instance: a profile deleted while it ran is named, and the one made again under its name is given to it", async () => {
  await makeProfile("remade");
  const identity = newIdentity("instance");
  const desired = { ...declaration, profileName: "remade" };
  const id = await instance.create(ctx, identity, desired);
  const read = async () => {
    const observed = await instance.find(ctx, identity, id);
    assert.ok(observed);
    return { observed, differences: instance.differences(identity, desired, observed) };
  };
  const first = (await profileAssociation(id))?.IamInstanceProfile?.Id;
  assert.deepEqual((await read()).differences, []);

  await deleteProfile("remade");
  const gone = await read();
  await makeProfile("remade", { withRole: false });
  const remade = await read();
  await instance.update(ctx, { identity, desired, ...remade });

  const observed = `remade (${first}, deleted since)`;
  for (const { differences } of [gone, remade])
    assert.deepEqual(differences, [{ field: "profile", desired: "remade", observed, action: "update" }]);
  assert.deepEqual((await read()).differences, []);
  const { InstanceProfile } = await stranger.iam.send(
    new GetInstanceProfileCommand({ InstanceProfileName: "remade" }),
  );
  const held = (await profileAssociation(id))?.IamInstanceProfile;
  assert.deepEqual([held?.Id, held?.Id === first], [InstanceProfile?.InstanceProfileId, false]);
});

test("instance: a profile that never becomes usable is waited for, and named", async () => {
  const hurried = { ...ctx, timings: { ...ctx.timings, timeoutMs: 100 } };
  const launching = instance.create(hurried, newIdentity("instance"), {
    ...declaration,
    profileName: "nowhere",
  });

  await assert.rejects(launching, (error: Error & { code?: string }) => {
    assert.equal(error.code, "TimedOut");
    return error.message.includes("nowhere");
  });
});
