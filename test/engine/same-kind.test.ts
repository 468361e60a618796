import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { differences } from "../../lib/engine/plan.ts";
import { listAll } from "../../lib/engine/owned.ts";
import { rebuildDocument } from "../../state/rebuild.ts";
import { newDocument } from "../../state/document.ts";
import { FakeCloud } from "./fake-cloud.ts";
import { scope } from "./run.ts";
import { openStack } from "./stored-stack.ts";

interface Choice {
  readonly size?: string;
  readonly link?: string;
}

/** A network with two subnets, and two alarms on a host in one of them. */
function declare(cloud: FakeCloud, left: Choice = {}) {
  return [
    cloud.declare("net"),
    cloud.declare("subnet-left", { kind: "subnet", needs: ["net"], ...left }),
    cloud.declare("subnet-right", { kind: "subnet", needs: ["net"] }),
    cloud.declare("host", { needs: ["subnet-left"] }),
    cloud.declare("alarm-errors", { kind: "alarm", needs: ["host"] }),
    cloud.declare("alarm-disk", { kind: "alarm", needs: ["host"] }),
  ];
}

const owners = (cloud: FakeCloud) => [...cloud.things.values()].map(({ owner }) => owner).toSorted();

const whole = [
  "hello/alarm-disk/1",
  "hello/alarm-errors/1",
  "hello/host/1",
  "hello/net/1",
  "hello/subnet-left/1",
  "hello/subnet-right/1",
];

describe("a stack with several resources of one kind", () => {
  it("comes up with one of each, and then has nothing to do", async () => {
    const cloud = new FakeCloud();
    const { up } = await openStack();

    await up(declare(cloud));
    const again = await up(declare(cloud));

    assert.deepEqual(owners(cloud), whole);
    assert.deepEqual(again, { steps: [], superseded: [] });
  });

  it("counts each once", async () => {
    const cloud = new FakeCloud();
    const { up, ctx } = await openStack();
    await up(declare(cloud));

    const listed = await listAll(declare(cloud), ctx, "hello");

    assert.deepEqual(listed.map(({ name }) => name).toSorted(), [
      "alarm-disk",
      "alarm-errors",
      "host",
      "net",
      "subnet-left",
      "subnet-right",
    ]);
    assert.deepEqual(cloud.listed.toSorted(), ["alarm", "host", "net", "subnet"]);
  });

  it("names and repairs the one that drifted", async () => {
    const cloud = new FakeCloud();
    const { up } = await openStack();
    await up(declare(cloud));
    const alarm = [...cloud.things.values()].find(({ owner }) => owner === "hello/alarm-disk/1");
    assert.ok(alarm);
    cloud.things.set(alarm.id, { ...alarm, size: "huge" });

    const { steps } = await up(declare(cloud));

    assert.deepEqual(
      steps.map(({ name, kind, action }) => [name, kind, action]),
      [["alarm-disk", "alarm", "update"]],
    );
    assert.equal(cloud.things.get(alarm.id)?.size, "small");
  });

  it("replaces the one, with what hangs on it, and leaves the other", async () => {
    const cloud = new FakeCloud();
    const { up } = await openStack();
    await up(declare(cloud));

    await up(declare(cloud, { link: "elsewhere" }));

    assert.deepEqual(owners(cloud), [
      "hello/alarm-disk/2",
      "hello/alarm-errors/2",
      "hello/host/2",
      "hello/net/1",
      "hello/subnet-left/2",
      "hello/subnet-right/1",
    ]);
  });

  it("keeps every id when its document is made anew from tags", async () => {
    const cloud = new FakeCloud();
    const { up, ctx, store } = await openStack();
    await up(declare(cloud));
    const before = (await store.load())?.document.resources;

    const listed = await listAll(declare(cloud), ctx, "hello");
    const rebuilt = rebuildDocument(newDocument(scope), listed);

    assert.deepEqual(rebuilt.resources, before);
    assert.deepEqual(rebuilt.superseded, []);
    // A stack opened anew has no document at all.
    const { read } = await openStack();
    const { observations, document } = await read(declare(cloud));
    assert.deepEqual(
      differences({ declarations: declare(cloud), observations, document, inputs: undefined }).steps,
      [],
    );
  });

  it("is finished by the next run wherever it is killed", async () => {
    const undisturbed = new FakeCloud();
    await (await openStack()).up(declare(undisturbed));
    for (const killedAt of undisturbed.calls) {
      const cloud = new FakeCloud();
      const { up } = await openStack();
      cloud.afterEffect = (call) => {
        if (call === killedAt) throw new Error("killed");
      };
      await assert.rejects(up(declare(cloud)), /killed/);
      cloud.afterEffect = () => {};

      await up(declare(cloud));

      assert.deepEqual(owners(cloud), whole, killedAt);
    }
  });

  it("goes in an order that respects what needs what, and nothing is left", async () => {
    const cloud = new FakeCloud();
    const { up, down, store } = await openStack();
    await up(declare(cloud));
    cloud.calls.length = 0;

    await down(declare(cloud));

    assert.deepEqual(owners(cloud), []);
    const order = (kind: string) => cloud.calls.findIndex((call) => call.startsWith(`remove ${kind}-`));
    const last = (kind: string) => cloud.calls.findLastIndex((call) => call.startsWith(`remove ${kind}-`));
    assert.ok(last("alarm") < order("host") && last("host") < order("net"));
    assert.ok(last("subnet") < order("net"));
    assert.deepEqual((await store.load())?.document.resources, {});
  });

  it("takes along what bears a name that it doesn't know any more", async () => {
    const cloud = new FakeCloud();
    const { up, down } = await openStack();
    await up(declare(cloud));
    const older = declare(cloud).filter(({ name }) => name !== "subnet-right" && name !== "alarm-disk");
    cloud.calls.length = 0;

    await down(older);

    assert.deepEqual(owners(cloud), []);
    assert.equal(cloud.calls.at(-1), "remove net-1");
  });
});
