import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Declaration } from "../../lib/engine/declaration.ts";
import { readAll } from "../../lib/engine/read.ts";
import { BerthError } from "../../lib/errors.ts";
import { contextWithoutAws, FakeCloud } from "./fake-cloud.ts";
import { openRun, withResources } from "./recorded-run.ts";
import { identify } from "./run.ts";

/** AWS shows nothing of what is asked for by its id, for so many looks. */
function hidden(declaration: Declaration, looks: number): Declaration {
  let left = looks;
  return {
    ...declaration,
    find: async (ctx, identity, known) =>
      known !== undefined && (left -= 1) >= 0 ? undefined : declaration.find(ctx, identity, known),
  };
}

async function causeOf(run: Promise<unknown>): Promise<unknown> {
  const error: unknown = await run.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error);
  return error.cause;
}

describe("what AWS doesn't show yet", () => {
  it("is looked for after a create until it is there, and nothing is created twice", async () => {
    const cloud = new FakeCloud();
    const { up, notes } = openRun({ cloud, patienceMs: 60_000 });

    const found = await up([hidden(cloud.declare("net"), 3)]);

    assert.equal(found.get("net")?.observed.id, "net-1");
    assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1"]);
    assert.deepEqual(
      notes,
      Array.from({ length: 3 }, () => "net: net-1 is not visible yet"),
    );
  });

  it("ends the run when it never comes, by name, with its id in the document for the next", async () => {
    const cloud = new FakeCloud();
    const { up, saved } = openRun({ cloud });

    const cause = await causeOf(up([hidden(cloud.declare("net"), Number.POSITIVE_INFINITY)]));

    assert.ok(cause instanceof BerthError);
    assert.deepEqual(
      [cause.code, cause.resource, cause.message],
      ["NotVisible", "net", "net net-1 was created or changed, but AWS does not show it"],
    );
    assert.match(cause.hint ?? "", /run the same command again/);
    assert.equal(saved.at(-1)?.resources["net"]?.id, "net-1");
    assert.deepEqual(cloud.calls, ["create net-1 small"]);
  });

  it("after an update isn't updated blindly: it is looked for five times as long, and then named", async () => {
    const cloud = new FakeCloud();
    cloud.late = { looks: Number.POSITIVE_INFINITY, shows: "nothing" };
    const { up, notes } = openRun({ cloud, patienceMs: 10 });

    const cause = await causeOf(up([cloud.declare("net")]));

    assert.ok(cause instanceof BerthError);
    assert.equal(cause.code, "NotVisible");
    assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1"]);
    assert.deepEqual([...new Set(notes)], ["net: net-1 is not visible"]);
  });

  it("after an update is taken as it is when it comes late, with nothing left to do", async () => {
    const cloud = new FakeCloud();
    // A look that may last no time is one look.
    cloud.late = { looks: 2, shows: "nothing" };
    const { up } = openRun({ cloud, patienceMs: 0 });

    const found = await up([cloud.declare("net")]);

    assert.deepEqual(found.get("net")?.differences({ needed: () => ({ id: "" }), inputs: undefined }), []);
    assert.deepEqual(cloud.calls, ["create net-1 small", "update net-1"]);
  });

  it("of a change is told to the user", async () => {
    const cloud = new FakeCloud();
    cloud.late = { looks: 2, shows: "before" };
    const { up, notes } = openRun({ cloud, patienceMs: 60_000 });

    await up([cloud.declare("net")]);

    assert.deepEqual([...new Set(notes)], ["net: net-1 does not show the change yet"]);
  });

  it("of an interrupted run is told to the user too", async () => {
    const cloud = new FakeCloud();
    const notes: string[] = [];
    const ctx = { ...contextWithoutAws(), note: (text: string) => void notes.push(text) };
    const document = withResources({ net: { kind: "net", generation: 1 } });

    await readAll({ ctx, declarations: [cloud.declare("net")], document, identify, patienceMs: 20 });

    assert.deepEqual([...new Set(notes)], ["looking for a net that an interrupted run may have created"]);
  });
});
