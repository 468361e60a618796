import assert from "node:assert/strict";
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  DeleteHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ChangeAction,
  type RRType,
} from "@aws-sdk/client-route-53";
import { describe, test } from "node:test";
import { listHostedZones } from "../../../lib/aws/hosted-zones.ts";
import type { Identity } from "../../../lib/contract/resource.ts";
import { recordName } from "../../../lib/resources/network/record-claim.ts";
import { type RecordOptions, recordResource } from "../../../lib/resources/network/record.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger, calls, notes } = account;
const region = "eu-central-1";

let zonesMade = 0;

/** A zone of its own for each test, and a name in it. */
async function makeZone() {
  zonesMade += 1;
  const name = `zone-${zonesMade}.example.org`;
  const { HostedZone } = await stranger.route53.send(
    new CreateHostedZoneCommand({ Name: name, CallerReference: name }),
  );
  const zoneId = HostedZone?.Id?.split("/").at(-1) ?? "";
  return { zoneId, domain: `app.${name}` };
}

type Put = readonly [action: ChangeAction, name: string, type: RRType, value: string, ttl?: number];

const put = (zoneId: string, ...changes: readonly Put[]) =>
  stranger.route53.send(
    new ChangeResourceRecordSetsCommand({
      HostedZoneId: zoneId,
      ChangeBatch: {
        Changes: changes.map(([Action, Name, Type, Value, TTL = 300]) => ({
          Action,
          ResourceRecordSet: { Name: `${Name}.`, Type, TTL, ResourceRecords: [{ Value }] },
        })),
      },
    }),
  );

/** Everything in the zone but its own NS and SOA, by another route. */
async function recordsIn(zoneId: string): Promise<string[]> {
  const { ResourceRecordSets = [] } = await stranger.route53.send(
    new ListResourceRecordSetsCommand({ HostedZoneId: zoneId }),
  );
  return ResourceRecordSets.filter(({ Type }) => Type !== "NS" && Type !== "SOA").map(
    ({ Name, Type, TTL, ResourceRecords = [] }) =>
      [Name, Type, TTL, ...ResourceRecords.map(({ Value }) => Value)].join(" "),
  );
}

async function open(more: Partial<RecordOptions> = {}) {
  const { zoneId, domain } = await makeZone();
  const identity: Identity = { ...newIdentity(recordName(domain)) };
  const zones = await listHostedZones(ctx.clients);
  const options = { stack: identity.stack, domains: [domain], zones, others: "refused", ...more } as const;
  const desired = { zoneId, domain, address: "203.0.113.7" };
  return { zoneId, domain, identity, desired, resource: recordResource(options), options };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** As the engine does, without waiting. */
async function converge({ resource, identity, desired }: Opened, known?: string) {
  const id =
    (await resource.find(ctx, identity, known))?.id ?? (await resource.create(ctx, identity, desired));
  const observed = await resource.find(ctx, identity, id);
  assert.ok(observed);
  const differences = resource.differences(identity, desired, observed);
  if (differences.length > 0) await resource.update(ctx, { identity, desired, observed, differences });
  return id;
}

const claimOf = ({ identity, domain }: Opened, address = "203.0.113.7") =>
  `_berth.${domain}. TXT 60 "berth stack=${identity.stack} region=${region} generation=1 address=${address}"`;

const whole = (opened: Opened) => [`${opened.domain}. A 60 203.0.113.7`, claimOf(opened)].toSorted();

const writesSince = (start: number) =>
  calls
    .slice(start)
    .filter(({ kind }) => kind === "write")
    .map(({ operation }) => operation);

describe("record", () => {
  test("is made with its owner beside it by one call, and waited for until every name server has it", async () => {
    const opened = await open();
    const { resource, identity, desired, zoneId } = opened;
    assert.equal(await resource.find(ctx, identity), undefined);
    const [start, noted] = [calls.length, notes.length];

    const id = await resource.create(ctx, identity, desired);

    assert.deepEqual(writesSince(start), ["ChangeResourceRecordSets"]);
    assert.deepEqual((await recordsIn(zoneId)).toSorted(), whole(opened));
    assert.equal(calls.at(-1)?.operation, "GetChange");
    assert.match(notes.slice(noted).join("\n"), /Route 53 tells its name servers/);
    assert.deepEqual(await resource.list(ctx, identity.stack), [{ id, name: identity.name, generation: 1 }]);
  });

  test("takes no write when there is nothing to do, found by its id or by its name", async () => {
    const opened = await open();
    const id = await converge(opened);
    const start = calls.length;

    assert.equal(await converge(opened, id), id);
    assert.equal(await converge(opened), id);
    assert.deepEqual(writesSince(start), []);
  });

  for (const [what, drift] of Object.entries<(opened: Opened) => readonly Put[]>({
    "another address": ({ domain }) => [["UPSERT", domain, "A", "198.51.100.1", 60]],
    "another time to live": ({ domain }) => [["UPSERT", domain, "A", "203.0.113.7", 86_400]],
    "no address": ({ domain }) => [["DELETE", domain, "A", "203.0.113.7", 60]],
  })) {
    test(`is repaired when it has ${what}`, async () => {
      const opened = await open();
      const id = await converge(opened);
      await put(opened.zoneId, ...drift(opened));
      const { resource, identity, desired, zoneId } = opened;
      const observed = await resource.find(ctx, identity, id);
      assert.ok(observed);
      const differences = resource.differences(identity, desired, observed);
      assert.deepEqual(
        differences.map(({ action }) => action),
        ["update"],
      );

      await resource.update(ctx, { identity, desired, observed, differences });
      // Repeated, as after a crash that lost the first call's reply.
      await resource.update(ctx, { identity, desired, observed, differences });

      assert.deepEqual((await recordsIn(zoneId)).toSorted(), whole(opened));
    });
  }

  test("is not changed if it isn't what was seen any more", async () => {
    const opened = await open();
    const id = await converge(opened);
    const { resource, identity, domain, zoneId } = opened;
    const observed = await resource.find(ctx, identity, id);
    assert.ok(observed);
    await put(zoneId, ["UPSERT", domain, "A", "198.51.100.1", 60]);
    const desired = { ...opened.desired, address: "203.0.113.8" };

    await resource.update(ctx, { identity, desired, observed, differences: [] });

    assert.deepEqual(
      (await recordsIn(zoneId)).toSorted(),
      [claimOf(opened), `${domain}. A 60 198.51.100.1`].toSorted(),
    );
  });

  for (const [type, value] of [
    ["A", "198.51.100.1"],
    ["AAAA", "2001:db8::1"],
    ["CNAME", "elsewhere.example.net"],
  ] as const) {
    test(`is refused where somebody else has an ${type} record, which stays`, async () => {
      const opened = await open();
      const { resource, identity, desired, zoneId, domain } = opened;
      await put(zoneId, ["CREATE", domain, type, value]);
      const before = await recordsIn(zoneId);

      await assert.rejects(resource.find(ctx, identity), (error: Error) => {
        assert.match(error.message, new RegExp(`${domain}.*isn't Berth's.*${type} ${value}`));
        return "code" in error && error.code === "ForeignResource";
      });
      // A run that saw nothing there: Route 53 itself refuses it.
      if (type !== "AAAA") await assert.rejects(resource.create(ctx, identity, desired));
      await resource.remove(ctx, `${zoneId}/${domain}`);

      assert.deepEqual(await resource.list(ctx, identity.stack), []);
      if (type !== "AAAA") assert.deepEqual(await recordsIn(zoneId), before);
    });
  }

  test("is refused where it belongs to another stack, or to the same stack in another region", async () => {
    for (const owner of ["stack=other region=eu-central-1", "stack=OWN region=us-east-1"]) {
      const { resource, identity, zoneId, domain } = await open();
      const claim = `"berth ${owner.replace("OWN", identity.stack)} generation=1 address=203.0.113.7"`;
      await put(zoneId, ["CREATE", domain, "A", "203.0.113.7"], ["CREATE", `_berth.${domain}`, "TXT", claim]);
      const before = await recordsIn(zoneId);

      await assert.rejects(resource.find(ctx, identity, `${zoneId}/${domain}`), { code: "ForeignResource" });
      await resource.remove(ctx, `${zoneId}/${domain}`);

      assert.deepEqual(await resource.list(ctx, identity.stack), []);
      assert.deepEqual(await recordsIn(zoneId), before);
    }
  });

  test("is handed over by the TXT record that the refusal names", async () => {
    const opened = await open();
    const { resource, identity, zoneId, domain } = opened;
    await put(zoneId, ["CREATE", domain, "A", "198.51.100.1"]);
    const refusal: unknown = await resource.find(ctx, identity).catch((error: unknown) => error);
    const hint = refusal instanceof Error && "hint" in refusal ? String(refusal.hint) : "";
    const [, name = "", value = ""] = /TXT record (\S+) with the value (".*?")/.exec(hint) ?? [];

    await put(zoneId, ["CREATE", name, "TXT", value]);
    await converge(opened);

    assert.deepEqual((await recordsIn(zoneId)).toSorted(), whole(opened));
  });

  test("goes with its owner, leaves what is beside it, and has gone when it is removed again", async () => {
    const opened = await open();
    const { resource, identity, zoneId, domain } = opened;
    const id = await converge(opened);
    await put(zoneId, ["CREATE", domain, "CAA", '0 issue "letsencrypt.org"']);

    await resource.remove(ctx, id);
    await resource.remove(ctx, id);

    assert.deepEqual(await recordsIn(zoneId), [`${domain}. CAA 300 0 issue "letsencrypt.org"`]);
    assert.equal(await resource.find(ctx, identity, id), undefined);
  });

  test("leaves the address behind if somebody has pointed the name elsewhere", async () => {
    const opened = await open();
    const { resource, zoneId, domain } = opened;
    const id = await converge(opened);
    await put(zoneId, ["UPSERT", domain, "A", "198.51.100.1"]);

    await resource.remove(ctx, id);

    assert.deepEqual(await recordsIn(zoneId), [`${domain}. A 300 198.51.100.1`]);
  });

  test("is made again after its zone was made anew, and replaced when a nearer zone answers", async () => {
    const opened = await open();
    const { resource, identity, zoneId, domain, desired, options } = opened;
    const id = await converge(opened);
    const { HostedZone } = await stranger.route53.send(
      new CreateHostedZoneCommand({ Name: domain, CallerReference: "nearer" }),
    );
    const nearer = HostedZone?.Id?.split("/").at(-1) ?? "";
    const observed = await resource.find(ctx, identity, id);
    assert.ok(observed);
    const [zone] = resource.differences(identity, { ...desired, zoneId: nearer }, observed);
    assert.deepEqual([zone?.field, zone?.action], ["zone", "replace"]);

    await resource.remove(ctx, id);
    await stranger.route53.send(new DeleteHostedZoneCommand({ Id: zoneId }));
    const zones = await listHostedZones(ctx.clients);
    const now = recordResource({ ...options, zones });
    assert.equal(await now.find(ctx, identity, id), undefined);
    await now.create(ctx, identity, { ...desired, zoneId: nearer });
    assert.equal((await now.find(ctx, identity, id))?.zoneId, nearer);
  });

  test("waits while Route 53 is busy with the zone, or slows the account down", async () => {
    const busy = await openAccount({ rules: { recordChanges: { polls: 1, busy: 4 } } });
    const name = "busy.example.org";
    await busy.stranger.route53.send(new CreateHostedZoneCommand({ Name: name, CallerReference: name }));
    const zones = await listHostedZones(busy.ctx.clients);
    const identity = newIdentity(recordName(name));
    const resource = recordResource({ stack: identity.stack, domains: [name], zones, others: "refused" });
    const [zone] = zones;
    assert.ok(zone);

    const id = await resource.create(busy.ctx, identity, {
      zoneId: zone.id,
      domain: name,
      address: "203.0.113.7",
    });

    assert.equal((await resource.find(busy.ctx, identity))?.id, id);
    const outcomes = busy.calls.filter(({ operation }) => operation === "ChangeResourceRecordSets");
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      // The account's clients try each call twice.
      ["PriorRequestNotComplete", "PriorRequestNotComplete", "ok"],
    );
  });
});
