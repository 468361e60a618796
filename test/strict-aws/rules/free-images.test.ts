import assert from "node:assert/strict";
import { it } from "node:test";
import { lookupMachineImage } from "../../../lib/aws/lookup.ts";
import type { Clients } from "../../../lib/aws/clients.ts";
import { openTwoRoutes, region } from "../account.ts";

const { strict, bare } = await openTwoRoutes({ freeImages: { except: ["al2023"] } });

it("images say whether an account on a free plan may launch them", async () => {
  const eligible = async (clients: Clients, os: "debian-13" | "amazon-linux-2023") =>
    (await lookupMachineImage({ clients, region }, os, "x86_64")).freeTierEligible;

  assert.equal(await eligible(strict, "debian-13"), true);
  assert.equal(await eligible(strict, "amazon-linux-2023"), false);
  assert.equal(await eligible(bare, "debian-13"), undefined, "the emulator says it by itself now");
});
