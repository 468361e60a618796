import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import type { Declaration } from "../../lib/engine/declaration.ts";
import { FakeCloud } from "./fake-cloud.ts";
import { openRun, slowly } from "./recorded-run.ts";

const isCall = (entry: string) => /^(create|update|remove) /.test(entry);

describe("converging", () => {
  it("has its intent in the store before the first call", async () => {
    const cloud = new FakeCloud();
    const { up, log, saved } = openRun({ cloud, saving: slowly });

    await up([cloud.declare("net"), cloud.declare("host", { needs: ["net"] })]);

    assert.ok(log.indexOf("saved") < log.findIndex(isCall), log.join(", "));
    assert.deepEqual(saved[0]?.resources, {
      net: { kind: "net", generation: 1 },
      host: { kind: "host", generation: 1 },
    });
  });

  it("makes no call when its intent can't be saved", async () => {
    const cloud = new FakeCloud();
    const conflict = new BerthError({ code: "StateConflict", message: "somebody else wrote" });
    const { up } = openRun({ cloud, saving: () => Promise.reject(conflict) });

    await assert.rejects(up([cloud.declare("net")]), conflict);

    assert.deepEqual(cloud.calls, []);
  });

  it("has every id in the store when it returns, and when it fails", async () => {
    for (const failsAt of ["", "create host-2 small"]) {
      const cloud = new FakeCloud();
      const { up, log, saved } = openRun({ cloud, saving: slowly });
      cloud.afterEffect = (call) => {
        log.push(call);
        if (call === failsAt) throw new Error("denied");
      };

      const running = up([cloud.declare("net"), cloud.declare("host", { needs: ["net"] })]);
      await (failsAt === "" ? running : assert.rejects(running, /host failed/));

      assert.equal(saved.at(-1)?.resources["net"]?.id, "net-1");
      assert.equal(saved.at(-1)?.resources["host"]?.id, failsAt === "" ? "host-2" : undefined);
    }
  });

  it("ends a step before it begins one that needs it", async () => {
    const cloud = new FakeCloud();
    const { up, log } = openRun({ cloud });

    await up([cloud.declare("net"), cloud.declare("host", { needs: ["net"] })]);

    assert.deepEqual(
      log.filter((entry) => !/^saved?$/.test(entry)),
      [
        "begin create net",
        "create net-1 small",
        "update net-1",
        "end create net net-1",
        "begin create host",
        "create host-2 small",
        "update host-2",
        "end create host host-2",
      ],
    );
  });

  it("has no more than eight steps under way", async () => {
    const cloud = new FakeCloud();
    const names = Array.from({ length: 20 }, (_, index) => `thing-${String(index)}`);
    let underWay = 0;
    let most = 0;
    const slow = (declaration: Declaration): Declaration => ({
      ...declaration,
      create: async (...args) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await slowly();
        underWay -= 1;
        return declaration.create(...args);
      },
    });

    await openRun({ cloud }).up(names.map((name) => slow(cloud.declare(name))));

    assert.equal(most, 8);
    assert.equal(cloud.things.size, 20);
  });

  it("begins nothing more after an abort, and keeps what was made", async () => {
    const cloud = new FakeCloud();
    const controller = new AbortController();
    const { up, log, saved } = openRun({ cloud, signal: controller.signal });
    cloud.afterEffect = (call) => {
      log.push(call);
      if (call === "create net-1 small") controller.abort(new Error("stopped"));
    };

    await assert.rejects(up([cloud.declare("net"), cloud.declare("host", { needs: ["net"] })]), /stopped/);

    assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1"]);
    assert.equal(saved.at(-1)?.resources["net"]?.id, "net-1");
  });

  it("says which step failed, in the words of a user", async () => {
    const cloud = new FakeCloud();
    const { up, log } = openRun({ cloud });
    const denied = new Error("denied");
    cloud.afterEffect = () => {
      throw denied;
    };

    await assert.rejects(up([cloud.declare("net")]), { message: "net failed", cause: denied });

    assert.ok(log.includes("fail create net"));
  });

  it("creates once, whatever it is refused with", async () => {
    const cloud = new FakeCloud();
    const { up } = openRun({ cloud });
    cloud.afterEffect = () => {
      throw new Error("denied");
    };

    await assert.rejects(up([cloud.declare("net")]));

    assert.deepEqual(cloud.calls, ["create net-1 small"]);
  });

  it("changes again what was changed back once", async () => {
    const cloud = new FakeCloud();
    const { up } = openRun({ cloud });
    let times = 0;
    cloud.afterEffect = (call) => {
      const thing = cloud.things.get("net-1");
      if (call !== "update net-1" || thing === undefined || (times += 1) > 1) return;
      cloud.things.set("net-1", { ...thing, size: "tiny" });
    };

    await up([cloud.declare("net")]);

    assert.equal(cloud.things.get("net-1")?.size, "small");
    assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1", "update net-1"]);
  });

  for (const shows of ["before", "nothing"] as const) {
    it(`looks again, and writes no more, while AWS shows ${shows} after an update`, async () => {
      const cloud = new FakeCloud();
      cloud.late = { looks: 3, shows };
      const { up } = openRun({ cloud, patienceMs: 60_000 });

      const found = await up([cloud.declare("net")]);

      assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1"]);
      assert.equal(found.get("net")?.observed.id, "net-1");
    });
  }

  it("gives up on what is changed back for ever, and names it", async () => {
    const cloud = new FakeCloud();
    const { up } = openRun({ cloud });
    const causes: unknown[] = [];
    cloud.afterEffect = (call) => {
      const thing = cloud.things.get("net-1");
      if (call === "update net-1" && thing !== undefined)
        cloud.things.set("net-1", { ...thing, size: "tiny" });
    };

    await up([cloud.declare("net")]).catch((error: unknown) =>
      causes.push(error instanceof Error && error.cause),
    );

    assert.ok(causes[0] instanceof BerthError);
    assert.equal(causes[0].code, "NotConverged");
    assert.match(causes[0].message, /net-1 still differs after 5 attempts: size$/);
    assert.equal(cloud.calls.length, 6);
  });

  it("learns the id of what was found by its tags, though nothing of it differs", async () => {
    const cloud = new FakeCloud();
    await openRun({ cloud }).up([cloud.declare("net")]);
    const { up, saved } = openRun({ cloud });

    await up([cloud.declare("net"), cloud.declare("host", { needs: ["net"] })]);

    assert.deepEqual(saved.at(-1)?.resources["net"], { kind: "net", generation: 1, id: "net-1" });
  });
});
