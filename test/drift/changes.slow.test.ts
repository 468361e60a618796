import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stackTag } from "../../lib/owner.ts";
import { changes } from "./rows.ts";
import { linesOf, openDriftingStack } from "./stack.ts";
import { taggers } from "./tags.ts";

const { aws, stack, stranger, refresh, writesSince } = await openDriftingStack("test-drift");

/** What plan says and up does. What it leaves undone, the next row's plan names. */
async function repair() {
  const before = aws.calls.length;
  const planned = await stack.plan();
  const wrote = writesSince(before);
  await stack.up();
  return { named: linesOf(planned.plan), wrote };
}

describe("changed behind Berth's back, it is named by field and repaired in place", () => {
  for (const resource of new Set(changes.map((row) => row.resource))) {
    const rows = changes.filter((row) => row.resource === resource);
    const fields = rows.map(({ field }) => field).join(", ");
    it(`${resource}: ${fields}`, async () => {
      const id = stranger.id(resource);
      for (const { act } of rows) await act(stranger);

      const seen = await repair();

      assert.deepEqual(seen, { named: [`update ${resource}: ${fields}`], wrote: [] });
      await refresh();
      assert.equal(stranger.id(resource), id);
    });
  }

  it("every resource: tags that somebody took or changed; those that a user added stay", async () => {
    for (const [resource, { add, take }] of Object.entries(taggers)) {
      const id = stranger.id(resource);
      await add(stranger, id, { Owner: "somebody", Team: "theirs" });
      await take(stranger, id, stackTag);
    }
    await taggers["instance"]?.take(stranger, stranger.id("instance"), "berth:os");

    const seen = await repair();

    const fields = `tags.Team, tags.${stackTag}`;
    const expected = Object.keys(taggers).map((resource) =>
      resource === "instance" ? `update instance: tags.berth:os, ${fields}` : `update ${resource}: ${fields}`,
    );
    assert.deepEqual({ ...seen, named: seen.named.toSorted() }, { named: expected.toSorted(), wrote: [] });
    for (const [resource, { read }] of Object.entries(taggers)) {
      const { Owner, Team, [stackTag]: owned } = await read(stranger, stranger.id(resource));
      assert.deepEqual([resource, Owner, Team, owned], [resource, "somebody", "harbour", "test-drift"]);
    }
  });
});

describe("everything changed at once", () => {
  it("is named by plan with exit 2, repaired by one up, and clean after it", async () => {
    for (const { act } of changes) await act(stranger);

    const planned = await stack.cli.run("plan");
    const repaired = await stack.cli.run("up", "--yes");
    const clean = await stack.cli.run("plan");

    assert.deepEqual([planned.exitCode, repaired.exitCode, clean.exitCode], [2, 0, 0], repaired.stderr);
    const told = JSON.stringify(planned.events.find(({ event }) => event === "plan"));
    const fields = changes.flatMap(({ field }) => field.split(", "));
    assert.deepEqual(
      fields.filter((field) => !told.includes(`"field":"${field}"`)),
      [],
    );
    assert.equal(repaired.summary?.changes.updated, new Set(changes.map(({ resource }) => resource)).size);
  });
});
