import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { declare, type World } from "../../lib/engine/declaration.ts";
import { contextWithoutAws, FakeCloud } from "./fake-cloud.ts";
import { openRun, withResources } from "./recorded-run.ts";
import { identify } from "./run.ts";

const identity = identify("host", 1, withResources({}));
const ctx = contextWithoutAws();
const worldOf = (needed: World<unknown>["needed"]): World<unknown> => ({ needed, inputs: undefined });

describe("a declaration", () => {
  const standing = async () => {
    const cloud = new FakeCloud();
    const net = cloud.declare("net");
    const disk = cloud.declare("disk");
    await openRun({ cloud }).up([net, disk, cloud.declare("host", { needs: ["net"] })]);
    return { cloud, net, disk };
  };

  it("can't ask for one that it doesn't need, though it needs another", async () => {
    const { cloud, net, disk } = await standing();
    const nosy = declare({
      ...cloud.spec("host", { needs: ["net"] }),
      desired: (need) => ({ size: "small", link: `${need(net).id} ${need(disk).id}` }),
    });
    const world = worldOf((name) => ({ id: name }));

    await assert.rejects(async () => nosy.create(ctx, identity, world), {
      name: "TypeError",
      message: "host asks for disk, which it doesn't need",
    });
  });

  it("is given what was found of one that it needs, and of no other thing under that name", async () => {
    const { cloud, net } = await standing();
    const found = await net.find(ctx, { ...identity, name: "net" }, "net-1");
    assert.ok(found);
    const seen: unknown[] = [];
    const curious = declare({
      ...cloud.spec("host", { needs: ["net"] }),
      desired: (need) => {
        seen.push(need(net));
        return { size: "small", link: "" };
      },
    });
    const host = await curious.find(ctx, identity, "host-3");
    const stranger = { id: "net-1", tags: {} };

    for (const observed of [found.observed, stranger, undefined])
      host?.differences(worldOf(() => ({ id: "net-1", observed })));

    assert.deepEqual(seen, [
      { id: "net-1", observed: found.observed },
      { id: "net-1", observed: undefined },
      { id: "net-1", observed: undefined },
    ]);
  });

  it("says of what it finds whether it carries the stack's tag", async () => {
    const { cloud } = await standing();
    const host = cloud.declare("host", { needs: ["net"] });
    const other = { ...identity, stack: "shop" };

    assert.equal((await host.find(ctx, identity, "host-3"))?.isOwned, true);
    assert.equal((await host.find(ctx, other, "host-3"))?.isOwned, false);
  });
});
