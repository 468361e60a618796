import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeCloud } from "./fake-cloud.ts";
import { openRun, withResources } from "./recorded-run.ts";

/** A network and a host, as a first run left them. */
async function standing() {
  const cloud = new FakeCloud();
  const { up, journal } = openRun({ cloud });
  await up([cloud.declare("net"), cloud.declare("host")]);
  cloud.calls.length = 0;
  return { cloud, document: journal.document };
}

describe("what a run writes into the document", () => {
  it("is nothing where nothing has to be done", async () => {
    const { cloud, document } = await standing();
    const { up, saved } = openRun({ cloud, document });

    await up([cloud.declare("net"), cloud.declare("host")]);

    assert.deepEqual(saved, []);
  });

  it("is nothing for an update: it is the same thing, of the same generation", async () => {
    const { cloud, document } = await standing();
    const { up, saved, journal } = openRun({ cloud, document });

    await up([cloud.declare("net", { size: "large" }), cloud.declare("host")]);

    assert.deepEqual(cloud.calls, ["update net-1"]);
    assert.deepEqual(saved, []);
    assert.deepEqual(journal.document.resources, document.resources);
  });

  it("leaves out nothing of what was known: neither the others' ids and generations, nor what is still to be removed", async () => {
    const { cloud, document } = await standing();
    const host = { kind: "host", generation: 4, id: "host-2" };
    const old = { name: "host", kind: "host", generation: 3, id: "host-0" };
    const known = withResources({ ...document.resources, host }, [old]);
    const { up, saved } = openRun({ cloud, document: known });

    await up([cloud.declare("net"), cloud.declare("host"), cloud.declare("page")]);

    assert.deepEqual(saved[0]?.resources, {
      net: { kind: "net", generation: 1, id: "net-1" },
      host,
      page: { kind: "page", generation: 1 },
    });
    assert.deepEqual(saved[0]?.superseded, [old]);
  });

  it("has nothing to remove in the place of what vanished", async () => {
    const { cloud, document } = await standing();
    cloud.things.delete("host-2");
    const { up, saved } = openRun({ cloud, document });

    await up([cloud.declare("net"), cloud.declare("host")]);

    assert.deepEqual(saved[0]?.resources["host"], { kind: "host", generation: 2 });
    assert.deepEqual(saved[0]?.superseded, []);
  });

  it("has the kind that AWS showed, where the document had another", async () => {
    const { cloud, document } = await standing();
    const net = { kind: "network", generation: 1, id: "net-1" };
    const { up, saved } = openRun({ cloud, document: withResources({ ...document.resources, net }) });

    await up([cloud.declare("net"), cloud.declare("host")]);

    assert.deepEqual(saved.at(-1)?.resources["net"], { kind: "net", generation: 1, id: "net-1" });
  });

  it("has the id before the update that follows a create", async () => {
    const cloud = new FakeCloud();
    const { up, log, saved } = openRun({ cloud });
    cloud.afterEffect = (call) => {
      log.push(call);
      if (call.startsWith("update")) throw new Error("denied");
    };

    await assert.rejects(up([cloud.declare("net")]), /net failed/);

    assert.deepEqual(saved.at(-1)?.resources["net"], { kind: "net", generation: 1, id: "net-1" });
  });
});

describe("what an earlier run replaced", () => {
  const old = (kind: string, id: string) => ({ name: kind, kind, generation: 1, id });

  it("stays in the document, untouched, when it is of no kind that the stack has", async () => {
    const { cloud, document } = await standing();
    const known = withResources(document.resources, [old("gateway", "gateway-9"), old("host", "host-0")]);
    const { up, saved } = openRun({ cloud, document: known });

    await up([cloud.declare("net"), cloud.declare("host")]);

    assert.deepEqual(
      saved.at(-1)?.superseded.map(({ id }) => id),
      ["gateway-9"],
    );
  });

  it("is forgotten where it is gone, and only there, though the run stops before it removes the others", async () => {
    const { cloud, document } = await standing();
    const net = cloud.things.get("net-1");
    assert.ok(net);
    cloud.things.set("net-0", { ...net, id: "net-0", owner: "hello/net/0" });
    const known = withResources(document.resources, [old("net", "net-0"), old("host", "host-0")]);
    const { up, saved, log } = openRun({ cloud, document: known });
    cloud.afterEffect = (call) => {
      log.push(call);
      throw new Error("denied");
    };

    await assert.rejects(up([cloud.declare("net"), cloud.declare("host")]), /denied/);

    assert.deepEqual(
      log.filter((entry) => entry.startsWith("remove")),
      ["remove net-0"],
    );
    assert.deepEqual(
      saved.at(-1)?.superseded.map(({ id }) => id),
      ["net-0"],
    );
  });

  it("is removed by its own kind's call, which can tell what it waits for", async () => {
    const { cloud, document } = await standing();
    const { up, log, notes } = openRun({ cloud, document });

    await up([cloud.declare("net"), cloud.declare("host", { link: "b" })]);

    assert.deepEqual(cloud.calls.slice(-1), ["remove host-2"]);
    assert.ok(notes.includes("host (old): host-2 goes"), notes.join(", "));
    assert.deepEqual(
      log.filter((entry) => entry.includes("(old)")),
      ["begin remove host (old)", "end remove host (old) host-2"],
    );
  });
});
