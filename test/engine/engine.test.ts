import assert from "node:assert/strict";
import { test } from "node:test";
import { isPending } from "../../lib/engine/plan.ts";
import { LostReply } from "../../lib/errors.ts";
import { declare } from "../../lib/engine/declaration.ts";
import { FakeCloud } from "./fake-cloud.ts";
import { openStack } from "./stored-stack.ts";

test("creates what is absent, in an order that respects needs, and then has nothing to do", async () => {
  const cloud = new FakeCloud();
  const declarations = [
    cloud.declare("net"),
    cloud.declare("sub", { needs: ["net"] }),
    cloud.declare("host", { needs: ["sub"] }),
  ];
  const { up, store } = await openStack();

  await up(declarations);
  const before = cloud.calls.length;
  const second = await up(declarations);

  assert.deepEqual([...cloud.things.keys()], ["net-1", "sub-2", "host-3"]);
  assert.equal(cloud.things.get("sub-2")?.link, "net-1");
  assert.equal(isPending(second), false);
  assert.equal(cloud.calls.length, before);
  assert.equal((await store.load())?.document.resources["host"]?.id, "host-3");
});

test("a changed field is updated in place, and nothing else is touched", async () => {
  const cloud = new FakeCloud();
  const { up } = await openStack();
  await up([cloud.declare("net"), cloud.declare("host", { needs: ["net"] })]);
  cloud.calls.length = 0;

  const plan = await up([cloud.declare("net"), cloud.declare("host", { needs: ["net"], size: "large" })]);

  assert.deepEqual(
    plan.steps.map(({ name, action }) => [name, action]),
    [["host", "update"]],
  );
  assert.deepEqual(plan.steps[0]?.differences, [
    { field: "size", desired: "large", observed: "small", action: "update" },
  ]);
  assert.deepEqual(cloud.calls, ["update host-2"]);
});

test("what vanished is made again in a new generation, and what hung on it is replaced before the old goes", async () => {
  const cloud = new FakeCloud();
  const declarations = [cloud.declare("net"), cloud.declare("host", { needs: ["net"] })];
  const { up, store } = await openStack();
  await up(declarations);
  cloud.things.delete("net-1");
  cloud.calls.length = 0;

  const plan = await up(declarations);

  assert.deepEqual(
    plan.steps.map(({ name, action }) => [name, action]),
    [
      ["net", "create"],
      ["host", "replace"],
    ],
  );
  assert.equal(plan.steps[0]?.because, "net-1 is gone");
  assert.deepEqual(cloud.calls, [
    "create net-3 small",
    "update net-3",
    "create host-4 small",
    "update host-4",
    "remove host-2",
  ]);
  const document = (await store.load())?.document;
  assert.deepEqual(document?.resources["net"], { kind: "net", generation: 2, id: "net-3" });
  assert.deepEqual(document?.superseded, []);
});

test("a run that is killed after an effect, before its answer, is finished by the next with one of everything", async () => {
  const declarationsOf = (cloud: FakeCloud) => [
    cloud.declare("net"),
    cloud.declare("host", { needs: ["net"] }),
  ];
  const whole = new FakeCloud();
  await (await openStack()).up(declarationsOf(whole));
  for (const killedAt of whole.calls) {
    const cloud = new FakeCloud();
    const { up } = await openStack();
    cloud.afterEffect = (call) => {
      if (call === killedAt) throw new Error("killed");
    };
    await assert.rejects(up(declarationsOf(cloud)), /killed/);
    cloud.afterEffect = () => {};

    await up(declarationsOf(cloud));

    assert.deepEqual(
      [...cloud.things.values()].map(({ kind }) => kind),
      ["net", "host"],
      killedAt,
    );
    assert.deepEqual(
      [...cloud.things.values()].map(({ size }) => size),
      ["small", "small"],
      killedAt,
    );
  }
});

test("a replace that is killed anywhere ends with the new one alone", async () => {
  const before = (cloud: FakeCloud) => [cloud.declare("host", { link: "a" })];
  const later = (cloud: FakeCloud) => [cloud.declare("host", { link: "b" })];
  for (const killedAt of ["create host-2 small", "update host-2", "remove host-1"]) {
    const cloud = new FakeCloud();
    const { up } = await openStack();
    await up(before(cloud));
    cloud.afterEffect = (call) => {
      if (call === killedAt) throw new Error("killed");
    };
    await assert.rejects(up(later(cloud)), /killed/);
    cloud.afterEffect = () => {};

    await up(later(cloud));

    assert.deepEqual([...cloud.things.keys()], ["host-2"], killedAt);
    assert.equal(cloud.things.get("host-2")?.size, "small", killedAt);
  }
});

test("a create whose reply got lost is looked for, and made again only if it isn't there", async () => {
  for (const tookEffect of [true, false]) {
    const cloud = new FakeCloud();
    const { up, store } = await openStack();
    let lost = 0;
    cloud.afterEffect = (call) => {
      if (!call.startsWith("create") || lost > 0) return;
      lost += 1;
      if (!tookEffect) cloud.things.clear();
      throw new LostReply("CreateNet", new Error("socket hang up"));
    };

    await up([cloud.declare("net")]);

    const [id] = [...cloud.things.keys()];
    assert.equal(cloud.things.size, 1);
    assert.equal(id, tookEffect ? "net-1" : "net-2");
    assert.equal((await store.load())?.document.resources["net"]?.id, id);
  }
});

test("a create whose every reply gets lost is given up with what came in place of the reply", async () => {
  const cloud = new FakeCloud();
  const { up } = await openStack();
  cloud.afterEffect = () => {
    cloud.things.clear();
    throw new LostReply("CreateNet", new Error("socket hang up"));
  };

  await assert.rejects(up([cloud.declare("net")]), /^Error: socket hang up$/);
  assert.equal(cloud.calls.length, 6);
});

test("a replace of what is known by its tags alone removes the old one too", async () => {
  const cloud = new FakeCloud();
  const first = await openStack();
  await first.up([cloud.declare("host", { link: "a" })]);
  const { up, store } = await openStack();

  await up([cloud.declare("host", { link: "b" })]);

  assert.deepEqual([...cloud.things.keys()], ["host-2"]);
  assert.deepEqual((await store.load())?.document.superseded, []);
});

test("after a failure nothing new is begun, and what was made is in the state", async () => {
  const cloud = new FakeCloud();
  const declarations = [cloud.declare("net"), cloud.declare("sub", { needs: ["net"] })];
  const { up, store } = await openStack();
  cloud.afterEffect = (call) => {
    if (call === "update net-1") throw new Error("denied");
  };

  await assert.rejects(up(declarations), /denied/);

  assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1"]);
  assert.equal((await store.load())?.document.resources["net"]?.id, "net-1");
});

test("a plan names what is not there yet by its declaration, not by an id", async () => {
  const cloud = new FakeCloud();
  const { up, read } = await openStack();
  await up([cloud.declare("net", { link: "a" }), cloud.declare("host", { needs: ["net"] })]);

  const { plan } = await read([
    cloud.declare("net", { link: "b" }),
    cloud.declare("host", { needs: ["net"] }),
  ]);

  assert.equal(plan.steps[1]?.differences[0]?.desired, "<new net>");
});

test("teardown removes what needs before what is needed, and state forgets it", async () => {
  const cloud = new FakeCloud();
  const declarations = [
    cloud.declare("net"),
    cloud.declare("sub", { needs: ["net"] }),
    cloud.declare("host", { needs: ["sub"] }),
  ];
  const { up, down, store } = await openStack();
  await up(declarations);
  cloud.calls.length = 0;

  await down(declarations);
  await down(declarations);

  assert.deepEqual(cloud.calls, ["remove host-3", "remove sub-2", "remove net-1"]);
  assert.deepEqual((await store.load())?.document.resources, {});
});

test("a declaration can't ask for what it doesn't need", async () => {
  const cloud = new FakeCloud();
  const { up } = await openStack();
  const net = cloud.declare("net");
  const nosy = declare({ ...cloud.spec("host"), desired: (need) => ({ size: "small", link: need(net).id }) });

  await assert.rejects(up([net, nosy]), /host asks for net, which it doesn't need/);
});
