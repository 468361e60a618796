import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  RemoveRoleFromInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import type { Clients } from "../../../lib/aws/clients.ts";
import { openTwoRoutes, outcome } from "../account.ts";
import { anyPolicy } from "../network.ts";

const { strict, bare } = await openTwoRoutes({ profileRoles: true });

/** Adds a role to a profile and removes it twice. */
async function takeOutTwice({ iam }: Clients, RoleName: string): Promise<string[]> {
  const inProfile = { InstanceProfileName: RoleName, RoleName };
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: anyPolicy }));
  await iam.send(new CreateInstanceProfileCommand(inProfile));
  await iam.send(new AddRoleToInstanceProfileCommand(inProfile));
  const takeOut = () => outcome(iam.send(new RemoveRoleFromInstanceProfileCommand(inProfile)));
  return [await takeOut(), await takeOut()];
}

describe("a role that isn't in the profile any more", () => {
  it("can't be taken out of it again", async () => {
    assert.deepEqual(await takeOutTwice(strict, "by-the-proxy"), ["ok", "NoSuchEntityException"]);
    assert.deepEqual(await takeOutTwice(bare, "past-it"), ["ok", "Error"]);
  });

  it("is left to the emulator where there is no such profile", async () => {
    const inProfile = { InstanceProfileName: "nowhere", RoleName: "by-the-proxy" };
    const call = strict.iam.send(new RemoveRoleFromInstanceProfileCommand(inProfile));
    assert.equal(await outcome(call), "NoSuchEntityException");
  });
});
