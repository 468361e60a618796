import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Declaration } from "../../lib/engine/declaration.ts";
import { FakeCloud } from "./fake-cloud.ts";
import { type Given, openRun, slowly, withResources } from "./recorded-run.ts";

/** A network, a disk, a host that needs both, and an alarm on the host; all of it there, and in the document. */
async function standing(given: Partial<Given> = {}) {
  const cloud = new FakeCloud();
  const declarations = [
    cloud.declare("net"),
    cloud.declare("disk"),
    cloud.declare("host", { needs: ["net", "disk"] }),
    cloud.declare("alarm", { needs: ["host"] }),
  ];
  const first = openRun({ cloud });
  await first.up(declarations);
  cloud.calls.length = 0;
  return { cloud, declarations, ...openRun({ cloud, document: first.journal.document, ...given }) };
}

const isSave = (entry: string) => /^saved?$/.test(entry);

describe("destroying", () => {
  it("ends a removal before it begins that of what was needed, and tells each", async () => {
    const { down, log, declarations } = await standing();

    await down(declarations);

    assert.deepEqual(
      log.filter((entry) => !isSave(entry)),
      [
        "begin remove alarm",
        "remove alarm-4",
        "end remove alarm alarm-4",
        "begin remove host",
        "remove host-3",
        "end remove host host-3",
        "begin remove net",
        "remove net-1",
        "begin remove disk",
        "remove disk-2",
        "end remove net net-1",
        "end remove disk disk-2",
      ],
    );
  });

  it("waits for each removal to end, however long it takes", async () => {
    const { down, log, cloud, declarations } = await standing();
    const slow = (declaration: Declaration): Declaration => ({
      ...declaration,
      remove: async (...args) => {
        await slowly();
        log.push(`${declaration.kind} goes`);
        return declaration.remove(...args);
      },
    });

    await down(declarations.map(slow));

    assert.deepEqual([...cloud.things.keys()], []);
    for (const [needing, needed] of [
      ["alarm", "host"],
      ["host", "net"],
      ["host", "disk"],
    ] as const) {
      const ended = log.findIndex((entry) => entry.startsWith(`end remove ${needing} `));
      assert.ok(ended !== -1 && ended < log.indexOf(`${needed} goes`), log.join(", "));
    }
  });

  it("has each that is gone out of the document when it returns", async () => {
    const { down, saved, declarations } = await standing({ saving: slowly });

    await down(declarations);

    assert.deepEqual(saved.at(-1)?.resources, {});
  });

  it("saves nothing for what the document doesn't mention", async () => {
    const cloud = new FakeCloud();
    const { down, saved } = openRun({ cloud });

    await down([cloud.declare("log"), cloud.declare("topic")]);

    assert.deepEqual(saved, []);
  });

  it("stops at what can't be removed, names it, and has what is gone out of the document", async () => {
    const { cloud, down, log, saved, declarations } = await standing({ saving: slowly });
    const denied = new Error("denied");
    cloud.afterEffect = (call) => {
      log.push(call);
      if (call === "remove host-3") throw denied;
    };

    await assert.rejects(down(declarations), { message: "host failed", cause: denied });

    assert.deepEqual(cloud.calls, ["remove alarm-4", "remove host-3"]);
    assert.ok(log.includes("fail remove host"));
    assert.ok(!log.some((entry) => entry.startsWith("end remove host")));
    assert.deepEqual(Object.keys(saved.at(-1)?.resources ?? {}), ["net", "disk", "host"]);
  });

  it("begins nothing more after an abort", async () => {
    const controller = new AbortController();
    const { cloud, down, log, saved, declarations } = await standing({ signal: controller.signal });
    cloud.afterEffect = (call) => {
      log.push(call);
      if (call === "remove host-3") controller.abort(new Error("stopped"));
    };

    await assert.rejects(down(declarations), /stopped/);

    assert.deepEqual(cloud.calls, ["remove alarm-4", "remove host-3"]);
    assert.deepEqual(Object.keys(saved.at(-1)?.resources ?? {}), ["net", "disk"]);
  });

  it("needs no document", async () => {
    const { cloud, down, saved, declarations } = await standing();

    await down(declarations, { hasDocument: false });

    assert.deepEqual([...cloud.things.keys()], []);
    assert.deepEqual(saved, []);
  });

  it("has no more than eight under way", async () => {
    const cloud = new FakeCloud();
    const names = Array.from({ length: 20 }, (_, index) => `thing-${String(index)}`);
    const declarations = names.map((name) => cloud.declare(name));
    await openRun({ cloud }).up(declarations);
    let underWay = 0;
    let most = 0;
    const slow = (declaration: Declaration): Declaration => ({
      ...declaration,
      remove: async (...args) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await slowly();
        underWay -= 1;
        return declaration.remove(...args);
      },
    });

    await openRun({ cloud }).down(declarations.map(slow));

    assert.equal(most, 8);
    assert.equal(cloud.things.size, 0);
  });
});

describe("destroying what the stack doesn't know by name", () => {
  /** Two subnets in a network and a host in the second, and one more subnet of an older version of the stack. */
  const older = async () => {
    const cloud = new FakeCloud();
    const declare = () => [
      cloud.declare("net"),
      cloud.declare("left", { kind: "subnet", needs: ["net"] }),
      cloud.declare("right", { kind: "subnet", needs: ["net"] }),
      cloud.declare("host", { needs: ["right"] }),
    ];
    await openRun({ cloud }).up([...declare(), cloud.declare("middle", { kind: "subnet", needs: ["net"] })]);
    cloud.calls.length = 0;
    return {
      cloud,
      declarations: declare(),
      middle: [...cloud.things.values()].find((one) => one.owner.includes("middle")),
    };
  };

  it("removes it once, before what its kind needs and after what needs any of its kind", async () => {
    const { cloud, declarations, middle } = await older();

    await openRun({ cloud }).down(declarations);

    const at = cloud.calls.indexOf(`remove ${middle?.id ?? ""}`);
    const order = (kind: string) => cloud.calls.findIndex((call) => call.startsWith(`remove ${kind}-`));
    assert.equal(cloud.things.size, 0);
    assert.equal(new Set(cloud.calls).size, cloud.calls.length);
    assert.ok(order("host") < at && at < order("net"), cloud.calls.join(", "));
  });

  it("removes what bears a known name and is of another kind by its own kind's call, and once", async () => {
    const cloud = new FakeCloud();
    await openRun({ cloud }).up([cloud.declare("net"), cloud.declare("host", { kind: "net" })]);
    const declarations = [cloud.declare("net"), cloud.declare("host")];
    cloud.calls.length = 0;

    await openRun({ cloud }).down(declarations);

    assert.deepEqual(cloud.calls, ["remove net-1", "remove net-2"]);
  });

  it("lets no removal of a known one wait for more than what needs that one", async () => {
    const cloud = new FakeCloud();
    const declarations = [
      cloud.declare("left", { kind: "subnet" }),
      cloud.declare("right", { kind: "subnet" }),
      cloud.declare("host", { needs: ["right"] }),
    ];
    await openRun({ cloud }).up(declarations);
    cloud.calls.length = 0;

    await openRun({ cloud }).down(declarations);

    assert.deepEqual(cloud.calls, ["remove subnet-1", "remove host-3", "remove subnet-2"]);
  });

  it("forgets what was noted as replaced under a name that is gone, and nothing else", async () => {
    const { cloud, declarations } = await standing();
    const entry = (name: string, id: string) => ({ name, kind: name, generation: 1, id });
    const { resources } = withResources({ net: { kind: "net", generation: 2, id: "net-1" } });
    const document = withResources(resources, [entry("net", "net-0"), entry("gateway", "gateway-0")]);
    const run = openRun({ cloud, document });

    await run.down(declarations);

    assert.deepEqual(
      run.saved.at(-1)?.superseded.map(({ id }) => id),
      ["gateway-0"],
    );
  });
});
