import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateVolumeCommand, DescribeVolumesCommand, ModifyVolumeCommand } from "@aws-sdk/client-ec2";
import { resourceTags, tagSpecifications } from "../../../lib/aws/tags.ts";
import { dataVolume } from "../../../lib/resources/storage/data-volume.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;
const zone = "eu-central-1a";

resourceSuite({
  account,
  resource: dataVolume,
  prepare: () => Promise.resolve({ gib: 8, zone }),
  creation: ["CreateVolume"],
  drifts: [
    {
      field: "type",
      act: ({ ec2 }, { id }) => ec2.send(new ModifyVolumeCommand({ VolumeId: id, VolumeType: "gp2" })),
    },
  ],
  replacements: {},
});

async function make() {
  const identity = newIdentity("data-volume");
  const id = await dataVolume.create(ctx, identity, { gib: 8, zone });
  return { identity, id, observed: (await dataVolume.find(ctx, identity, id)) ?? assert.fail("not found") };
}

test("data volume: it is an encrypted gp3 volume in the host's zone", async () => {
  const { id } = await make();
  const { Volumes = [] } = await stranger.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }));

  const seen = Volumes.map((one) => [one.Size, one.VolumeType, one.Encrypted, one.AvailabilityZone]);
  assert.deepEqual(seen, [[8, "gp3", true, zone]]);
});

test("data volume: the same order from another process makes no second one", async () => {
  const { identity, id } = await make();

  assert.equal(await dataVolume.create(ctx, identity, { gib: 8, zone }), id);
});

test("data volume: it grows in place, and no change of size or zone ever replaces it", async () => {
  const { identity, id, observed } = await make();
  const desired = { gib: 20, zone };
  const differences = dataVolume.differences(identity, desired, observed);
  assert.deepEqual(
    differences.map(({ field, action }) => `${field} ${action}`),
    ["gib update"],
  );
  await dataVolume.update(ctx, { identity, desired, observed, differences });

  const grown = (await dataVolume.find(ctx, identity, id)) ?? assert.fail("not found");
  assert.equal(grown.gib, 20);
  for (const other of [
    { gib: 1, zone },
    { gib: 20, zone: "eu-central-1b" },
    { gib: 20, zone: undefined },
  ]) {
    const found = dataVolume.differences(identity, other, grown);
    assert.ok(found.every(({ action }) => action === "update"));
  }
});

test("data volume: the disk of a host, which bears the stack's tag too, is not listed as data", async () => {
  const identity = newIdentity("data-volume");
  const tags = resourceTags({ stack: identity.stack, name: "instance", generation: 1 });
  const TagSpecifications = tagSpecifications(tags, "volume");
  await stranger.ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 8, TagSpecifications }));

  assert.deepEqual(await dataVolume.list(ctx, identity.stack), []);
});
