import assert from "node:assert/strict";
import { test } from "node:test";
import { DescribeImagesCommand } from "@aws-sdk/client-ec2";
import { lookupMachineImage, lookupInstanceType, lookupZones } from "../../lib/aws/lookup.ts";
import { openAccount } from "../resources/account.ts";

const { ctx, stranger } = await openAccount();

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

test("lookup: the zones are those of the region that offer the type", async () => {
  const zones = await lookupZones(ctx, "t3.micro");

  assert.deepEqual(zones, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
});
