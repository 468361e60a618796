import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { lookupZones } from "../../../lib/aws/lookup.ts";
import { openTwoRoutes, region } from "../account.ts";

const { bare, strict } = await openTwoRoutes({ ignoredFilters: true });

describe("an endpoint that ignores filters", () => {
  it("shows what was not asked for, where the emulator shows nothing", async () => {
    const Filters = [{ Name: "tag:berth:stack", Values: ["nobody"] }];
    assert.equal((await bare.ec2.send(new DescribeVpcsCommand({ Filters }))).Vpcs?.length, 0);
    assert.equal((await strict.ec2.send(new DescribeVpcsCommand({ Filters }))).Vpcs?.length, 1);
  });

  it("offers no instance type that the region doesn't have", async () => {
    const look = lookupZones({ clients: strict, region }, "t3.enormous");
    await assert.rejects(look, { code: "UnknownInstanceType" });
  });
});
