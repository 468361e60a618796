import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readAll } from "../../lib/engine/read.ts";
import type { Declaration } from "../../lib/engine/declaration.ts";
import { contextWithoutAws, FakeCloud } from "./fake-cloud.ts";
import { identify } from "./run.ts";
import { type Given, openRun, slowly, withResources } from "./recorded-run.ts";

describe("replacing", () => {
  const replaced = async (given: Partial<Given> = {}) => {
    const cloud = new FakeCloud();
    const first = openRun({ cloud });
    await first.up([
      cloud.declare("net", { link: "a" }),
      cloud.declare("host", { needs: ["net"], link: "a" }),
    ]);
    cloud.calls.length = 0;
    const run = openRun({ cloud, document: first.journal.document, ...given });
    const declarations = [
      cloud.declare("net", { link: "b" }),
      cloud.declare("host", { needs: ["net"], link: "b" }),
    ];
    return { cloud, ...run, declarations };
  };

  it("notes the old one beside the new one's intent, in the one save before the first call", async () => {
    const { up, saved, declarations } = await replaced({ saving: slowly });

    await up(declarations);

    assert.deepEqual(saved[0]?.resources, {
      net: { kind: "net", generation: 2 },
      host: { kind: "host", generation: 2 },
    });
    assert.deepEqual(saved[0]?.superseded, [
      { name: "net", kind: "net", generation: 1, id: "net-1" },
      { name: "host", kind: "host", generation: 1, id: "host-2" },
    ]);
  });

  it("removes the old ones when all is made, what needs before what is needed, and forgets them", async () => {
    const { up, cloud, saved, declarations } = await replaced();

    await up(declarations);

    assert.deepEqual(cloud.calls, [
      "create net-3 small",
      "update net-3",
      "create host-4 small",
      "update host-4",
      "remove host-2",
      "remove net-1",
    ]);
    assert.deepEqual(saved.at(-1)?.superseded, []);
  });

  it("removes nothing after an abort, and remembers what is left", async () => {
    const controller = new AbortController();
    const { up, cloud, log, saved, declarations } = await replaced({ signal: controller.signal });
    cloud.afterEffect = (call) => {
      log.push(call);
      if (call === "remove host-2") controller.abort(new Error("stopped"));
    };

    const tried: string[] = [];
    const watched = declarations.map((declaration: Declaration) => ({
      ...declaration,
      remove: (...[ctx, id]: Parameters<Declaration["remove"]>) => {
        tried.push(id);
        return declaration.remove(ctx, id);
      },
    }));

    await assert.rejects(up(watched), /stopped/);

    assert.deepEqual(tried, ["host-2"]);
    assert.deepEqual([...cloud.things.keys()], ["net-1", "net-3", "host-4"]);
    assert.deepEqual(
      saved.at(-1)?.superseded.map(({ id }) => id),
      ["net-1"],
    );
  });

  it("never removes what is in use, though it is noted as replaced", async () => {
    const cloud = new FakeCloud();
    await openRun({ cloud }).up([cloud.declare("net")]);
    const entry = { kind: "net", generation: 1, id: "net-1" };
    const { up } = openRun({ cloud, document: withResources({ net: entry }, [{ name: "net", ...entry }]) });

    await up([cloud.declare("net")]);

    assert.deepEqual([...cloud.things.keys()], ["net-1"]);
  });
});

describe("reading", () => {
  it("looks again for what a killed run intended, and only for that", async () => {
    const looks: string[] = [];
    const counted = (declaration: Declaration): Declaration => ({
      ...declaration,
      find: (ctx, identity, known) => {
        looks.push(`${declaration.name} ${String(identity.generation)} ${known ?? "-"}`);
        return declaration.find(ctx, identity, known);
      },
    });
    const cloud = new FakeCloud();
    const declarations = ["fresh", "intended", "gone"].map((name) => counted(cloud.declare(name)));
    const document = withResources({
      intended: { kind: "intended", generation: 3 },
      gone: { kind: "gone", generation: 2, id: "gone-1" },
    });

    await readAll({ ctx: contextWithoutAws(), declarations, document, identify, patienceMs: 20 });
    const patient = looks.splice(0);
    await readAll({ ctx: contextWithoutAws(), declarations, document, identify });

    const once = ["fresh 1 -", "intended 3 -", "gone 2 gone-1"];
    assert.deepEqual(patient.splice(0, 3), once);
    assert.deepEqual([...new Set(patient)], ["intended 3 -"]);
    assert.deepEqual(looks, once);
  });
});
