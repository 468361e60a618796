import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import { takeInventory } from "../crash/inventory.ts";
import type { Target } from "../strict-aws/faults.ts";
import { linesOf, openDriftingStack } from "../drift/stack.ts";

const { aws, stack } = await openDriftingStack("test-lost-replies", { up: false });
const bare = createClients({ region: stack.cli.region, endpoints: aws.bare, credentials: aws.credentials });

async function countByKind(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of await takeInventory(bare)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe("a first up whose every write loses its first reply after it took effect", () => {
  it("leaves as many of each as an undisturbed one, and nothing to do", async () => {
    await stack.up();
    const undisturbed = await countByKind();
    await aws.reset();
    const struck = new Set<string>();
    const first: Target = ({ service, operation, kind }) => {
      const name = `${service}:${operation}`;
      return kind === "write" && !struck.has(name) && struck.add(name).has(name);
    };
    const planned = aws.faults.always(first, "after");

    await stack.up();

    assert.ok(planned.hits > 20, `${planned.hits} writes were struck`);
    assert.deepEqual(await countByKind(), undisturbed);
    assert.deepEqual(linesOf((await stack.plan()).plan), []);
  });
});
