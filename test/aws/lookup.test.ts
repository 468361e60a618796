import assert from "node:assert/strict";
import { test } from "node:test";
import { DeregisterImageCommand, DescribeImagesCommand } from "@aws-sdk/client-ec2";
import { lookupMachineImage, lookupInstanceType, lookupZones } from "../../lib/aws/lookup.ts";
import { openAccount } from "../resources/account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

test("lookup: each operating system has an image for each architecture", async () => {
  for (const os of ["debian-13", "amazon-linux-2023"] as const) {
    for (const arch of ["x86_64", "arm64"] as const) {
      const { imageId, rootDeviceName } = await lookupMachineImage(ctx, os, arch);

      const { Images = [] } = await stranger.ec2.send(new DescribeImagesCommand({ ImageIds: [imageId] }));
      assert.deepEqual(
        Images.map((one) => [one.Architecture, one.RootDeviceName]),
        [[arch, rootDeviceName]],
      );
      assert.match(Images[0]?.Name ?? "", os === "debian-13" ? /^debian-13/ : /^al2023/);
    }
  }
});

test("lookup: a type tells what it is like", async () => {
  assert.deepEqual(await lookupInstanceType(ctx, "t3.micro"), {
    arch: "x86_64",
    memoryMib: 1024,
    vcpus: 2,
    freeTierEligible: true,
  });
  assert.equal((await lookupInstanceType(ctx, "t4g.small")).arch, "arm64");
});

test("lookup: a type that isn't there is bad input, and named", async () => {
  for (const type of ["t3.enormous", "micro", ""]) {
    await assert.rejects(lookupInstanceType(ctx, type), { code: "UnknownInstanceType", exitCode: 3 });
  }
  await assert.rejects(lookupZones(ctx, "t3.enormous"), { code: "UnknownInstanceType" });
});

test("lookup: the hint for a type that the region lacks names another type", async () => {
  // No zone of this region offers t3.micro.
  const there = account.elsewhere("me-central-1");

  const lacking = lookupZones(there, "t3.micro");

  await assert.rejects(lacking, { code: "UnknownInstanceType", hint: /for example t2\.micro;/ });
  await assert.rejects(lookupZones(ctx, "t3.enormous"), { hint: /for example t3\.micro;/ });
});

test("lookup: an image that its publisher has withdrawn is no image", async () => {
  const there = account.elsewhere("us-west-1");
  const { imageId: ImageId } = await lookupMachineImage(there, "debian-13", "arm64");
  await there.clients.ec2.send(new DeregisterImageCommand({ ImageId }));

  const gone = new RegExp(`region us-west-1 has no image of debian-13 for arm64 \\(${ImageId}\\)`);
  await assert.rejects(lookupMachineImage(there, "debian-13", "arm64"), { code: "NoImage", message: gone });
});

test("lookup: the zones are those of the region itself that offer the type, and no Local Zone", async () => {
  const zones = await lookupZones(ctx, "t3.micro");

  assert.deepEqual(zones, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
});
