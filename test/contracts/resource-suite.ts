import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CreateTagsCommand, DeleteTagsCommand } from "@aws-sdk/client-ec2";
import type { Clients } from "../../lib/aws/clients.ts";
import { toTagList } from "../../lib/aws/tags.ts";
import { stackTag, type Tags } from "../../lib/owner.ts";
import type { Difference, Observed, Identity, Resource } from "../../lib/contract/resource.ts";
import { newIdentity, type Account } from "../resources/account.ts";

/** A change that somebody makes outside Berth. */
interface Drift<Desired, Found> {
  /** The differences that report the change: their full field names, or their beginnings. */
  readonly field: string;
  readonly act: (stranger: Clients, observed: Found, desired: Desired) => Promise<unknown>;
}

interface Tagger {
  readonly add: (stranger: Clients, observed: Observed, tags: Tags) => Promise<unknown>;
  readonly take: (stranger: Clients, observed: Observed, keys: readonly string[]) => Promise<unknown>;
}

const ec2Tagger: Tagger = {
  add: ({ ec2 }, { id }, tags) => ec2.send(new CreateTagsCommand({ Resources: [id], Tags: toTagList(tags) })),
  take: ({ ec2 }, { id }, keys) =>
    ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: keys.map((Key) => ({ Key })) })),
};

export interface ResourceCase<Desired, Found extends Observed> {
  readonly account: Account;
  readonly resource: Resource<Desired, Found>;
  /** Creates what the resource depends on, and returns the desired state. */
  readonly prepare: (identity: Identity) => Promise<Desired>;
  /** The changes that `update` repairs. */
  readonly drifts: readonly Drift<Desired, Found>[];
  /** Desired states that differ in one field and require a new resource. */
  readonly replacements: Readonly<Record<string, (desired: Desired) => Desired>>;
  readonly tagger?: Tagger;
  /** The write calls of `create`: one, unless the emulator ignores a part of it. */
  readonly creation: readonly string[];
}

/** What every resource must guarantee, against emulators that keep state. */
export function resourceSuite<Desired, Found extends Observed>(given: ResourceCase<Desired, Found>): void {
  const { resource, account, prepare, tagger = ec2Tagger } = given;
  const { ctx, stranger } = account;
  const name = resource.kind;

  /** Converges as the engine does, but without waiting. */
  async function converge(identity: Identity, desired: Desired, known?: string): Promise<Found> {
    const id =
      (await resource.find(ctx, identity, known))?.id ?? (await resource.create(ctx, identity, desired));
    const observed = await get(identity, id);
    const differences = resource.differences(identity, desired, observed);
    if (differences.length > 0) await resource.update(ctx, { identity, desired, observed, differences });
    return get(identity, id);
  }

  async function get(identity: Identity, known?: string): Promise<Found> {
    const observed = await resource.find(ctx, identity, known);
    assert.ok(observed, `${name} is found`);
    return observed;
  }

  async function made() {
    const identity = newIdentity(name);
    const desired = await prepare(identity);
    return { identity, desired, observed: await converge(identity, desired) };
  }

  const fields = (differences: readonly Difference[]) => differences.map((one) => one.field);

  describe(name, () => {
    test("is absent before it is made, by tags and by a recorded id alike", async () => {
      const identity = newIdentity(name);
      await prepare(identity);

      assert.equal(await resource.find(ctx, identity), undefined);
      assert.deepEqual(await resource.list(ctx, identity.stack), []);
    });

    test("is made by one call that carries its tags, and is as desired after one update", async () => {
      const identity = newIdentity(name);
      const desired = await prepare(identity);
      const before = account.calls.length;
      const id = await resource.create(ctx, identity, desired);

      const writes = account.calls.slice(before).filter((call) => call.kind === "write");
      assert.deepEqual(
        writes.map((call) => call.operation),
        given.creation,
      );
      const observed = await converge(identity, desired, id);
      assert.deepEqual(resource.differences(identity, desired, observed), []);
      assert.deepEqual({ ...observed.tags, ...identity.tags }, observed.tags);
    });

    test("is found again by tags or derived name alone", async () => {
      const { identity, observed } = await made();

      assert.equal((await get(identity)).id, observed.id);
      assert.deepEqual(await resource.list(ctx, identity.stack), [{ id: observed.id, name, generation: 1 }]);
    });

    test("takes no write when there is nothing to do", async () => {
      const { identity, desired, observed } = await made();
      const before = account.calls.length;

      await converge(identity, desired, observed.id);
      await resource.list(ctx, identity.stack);

      const writes = account.calls.slice(before).filter((call) => call.kind === "write");
      assert.deepEqual(writes, []);
    });

    for (const { field, act } of given.drifts) {
      test(`has its ${field} repaired, changed behind Berth's back`, async () => {
        const { identity, desired, observed } = await made();
        await act(stranger, observed, desired);

        const drifted = await get(identity, observed.id);
        const named = resource.differences(identity, desired, drifted);
        assert.ok(
          named.length > 0 && named.every((one) => one.field.startsWith(field)),
          `names ${fields(named).join()}`,
        );
        assert.ok(named.every((one) => one.action === "update" && one.desired !== one.observed));

        await resource.update(ctx, { identity, desired, observed: drifted, differences: named });
        // Repeated, as after a crash that lost the first call's reply.
        await resource.update(ctx, { identity, desired, observed: drifted, differences: named });
        assert.deepEqual(resource.differences(identity, desired, await get(identity, observed.id)), []);
      });
    }

    for (const [field, change] of Object.entries(given.replacements)) {
      test(`is replaced, with the reason, when ${field} changes`, async () => {
        const { identity, desired, observed } = await made();

        const found = resource.differences(identity, change(desired), observed);

        assert.deepEqual(fields(found), [field]);
        assert.ok(found.every((one) => one.action === "replace" && one.reason));
      });
    }

    test("keeps tags that a user added, and gets its own back", async () => {
      const { identity, desired, observed } = await made();
      await tagger.add(stranger, observed, { Owner: "somebody", Team: "other" });
      await tagger.take(stranger, observed, [stackTag]);

      const drifted = await get(identity, observed.id);
      const named = resource.differences(identity, desired, drifted);
      assert.deepEqual(fields(named).toSorted(), [`tags.${stackTag}`, "tags.Team"].toSorted());
      await resource.update(ctx, { identity, desired, observed: drifted, differences: named });

      const repaired = await get(identity);
      assert.deepEqual(repaired.tags["Owner"], "somebody");
      assert.deepEqual(resource.differences(identity, desired, repaired), []);
    });

    test("is refused once it carries another stack's tag", async () => {
      const { identity, observed } = await made();
      await tagger.add(stranger, observed, { [stackTag]: "somebody-elses" });

      await assert.rejects(resource.find(ctx, identity, observed.id), { code: "ForeignResource" });
    });

    if (tagger === ec2Tagger) {
      test("is refused by its recorded id when no ownership tag is left: the id alone proves nothing", async () => {
        const { identity, observed } = await made();
        const keys = ["berth:stack", "berth:resource", "berth:generation"];
        await tagger.take(stranger, observed, keys);

        await assert.rejects(resource.find(ctx, identity, observed.id), { code: "ForeignResource" });
        assert.deepEqual(await resource.list(ctx, identity.stack), []);
      });
    }

    test("goes, and has gone when it is removed again", async () => {
      const { identity, observed } = await made();

      await resource.remove(ctx, observed.id);
      assert.equal(await resource.find(ctx, identity, observed.id), undefined);
      assert.deepEqual(await resource.list(ctx, identity.stack), []);
      await resource.remove(ctx, observed.id);
    });

    test("is made again after somebody deleted it", async () => {
      const { identity, desired, observed } = await made();
      await resource.remove(ctx, observed.id);

      const next = { ...identity, generation: 2, tags: { ...identity.tags, "berth:generation": "2" } };
      const again = await converge(next, desired, observed.id);

      assert.deepEqual(resource.differences(next, desired, again), []);
      assert.deepEqual(await resource.list(ctx, identity.stack), [{ id: again.id, name, generation: 2 }]);
    });
  });
}
