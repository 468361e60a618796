import type { Change, ResourceRecordSet } from "@aws-sdk/client-route-53";
import { isRefusedBatch } from "../../aws/errors.ts";
import { type HostedZone, zoneFor } from "../../aws/hosted-zones.ts";
import { fieldDifference } from "../../contract/difference.ts";
import type { Identity, Listed, Observed, ReadContext, Resource } from "../../contract/resource.ts";
import { BerthError } from "../../errors.ts";
import { poll } from "../../poll.ts";
import { type Claim, claimName, claimTags, parseClaim, recordName, writeClaim } from "./record-claim.ts";
import { changeSets, describeSet, type Place, readSets } from "./record-sets.ts";

export interface RecordDesired extends Place {
  readonly address: string;
}

export interface ObservedRecord extends Observed, Place {
  readonly claim: Claim;
  /** The A record and the TXT record beside it, as AWS has them. The A record may be missing. */
  readonly sets: readonly ResourceRecordSet[];
}

export interface RecordOptions {
  readonly stack: string;
  /** The names to look for where no id is known. */
  readonly domains: readonly string[];
  readonly zones: readonly HostedZone[];
  /** What somebody else's record counts as: an error, or nothing that is this stack's. */
  readonly others: "refused" | "ignored";
}

const kind = "record";
/** A changed record is seen everywhere after this time. */
const ttlSeconds = 60;
const removedWithinMs = 5 * 60_000;

/** A domain's A record in a hosted zone of the account, which leads to the stack's address, with a TXT record that says whose it is. */
export function recordResource(options: RecordOptions): Resource<RecordDesired, ObservedRecord> {
  const { stack, domains, zones, others } = options;
  const places = domains.flatMap((domain): Place[] => {
    const zone = zoneFor(domain, zones);
    return zone === undefined ? [] : [{ domain, zoneId: zone.id }];
  });
  const isOurs = (ctx: ReadContext, claim: Claim | undefined): claim is Claim =>
    claim?.stack === stack && claim.region === ctx.region;

  const look = async (ctx: ReadContext, identity: Pick<Identity, "name">, place: Place) => {
    const seen = await readPlace(ctx, place);
    const { claim } = seen;
    if (seen.claims.length + seen.records.length === 0) return undefined;
    const stranger = seen.records.find((one) => one.Type === "CNAME" || one.SetIdentifier !== undefined);
    if (isOurs(ctx, claim) && stranger === undefined) return observe(place, { ...seen, claim });
    if (others === "ignored") return undefined;
    throw foreignRecord({ place, seen, stack, region: ctx.region, name: identity.name });
  };

  return {
    kind,

    async find(ctx, identity, known) {
      const named = places.filter(({ domain }) => recordName(domain) === identity.name).map(idOf);
      for (const id of new Set([...(known === undefined ? [] : [known]), ...named])) {
        const found = await look(ctx, identity, parseId(id));
        if (found !== undefined) return found;
      }
      return undefined;
    },

    async create(ctx, identity, desired) {
      try {
        await changeSets(ctx, desired, wantedSets(ctx, identity, desired).map(creation));
      } catch (error) {
        // The SDK repeats a call whose reply was lost, and the records of the first one are there.
        if (!isRefusedBatch(error) || (await look(ctx, identity, desired)) === undefined) throw error;
      }
      return idOf(desired);
    },

    attributes: ({ domain, address }) => [{ field: "", value: `${domain} A ${address}` }],

    differences: (identity, desired, observed) => {
      const record = observed.sets.find(({ Type }) => Type === "A");
      return [
        ...fieldDifference("zone", {
          desired: desired.zoneId,
          observed: observed.zoneId,
          replace: "another hosted zone answers for the name",
        }),
        ...fieldDifference("record", {
          desired: `A ${desired.address}`,
          observed: record && describeSet(record),
        }),
        ...fieldDifference("ttl", {
          desired: ttlSeconds,
          observed: record === undefined ? ttlSeconds : record.TTL,
        }),
        ...fieldDifference("owner", {
          desired: writeClaim({
            ...observed.claim,
            generation: identity.generation,
            address: desired.address,
          }),
          observed: writeClaim(observed.claim),
        }),
      ];
    },

    async update(ctx, { identity, desired, observed }) {
      const changes = [...observed.sets.map(deletion), ...wantedSets(ctx, identity, desired).map(creation)];
      try {
        await changeSets(ctx, observed, changes);
      } catch (error) {
        if (!isRefusedBatch(error)) throw error;
        const now = await look(ctx, identity, observed);
        // If something changed meanwhile, the engine looks again and decides anew.
        if (now !== undefined && JSON.stringify(now.sets) === JSON.stringify(observed.sets)) throw error;
      }
    },

    async remove(ctx, id) {
      const place = parseId(id);
      const attempt = async () => {
        const seen = await readPlace(ctx, place);
        if (!isOurs(ctx, seen.claim)) return { done: true };
        const { address } = seen.claim;
        // Whoever pointed the name elsewhere keeps it: their site must not vanish with this stack.
        const made = seen.records.filter((one) => describeSet(one) === `A ${address}`);
        try {
          await changeSets(ctx, place, [...seen.claims, ...made].map(deletion));
        } catch (error) {
          if (!isRefusedBatch(error)) throw error;
        }
        return { waiting: `record ${place.domain} is still listed` };
      };
      await poll(ctx, {
        what: `record ${place.domain} to be gone`,
        timeoutMs: removedWithinMs,
        look: attempt,
      });
    },

    async list(ctx) {
      const found = await Promise.all(
        places.map(async (place): Promise<Listed[]> => {
          const { claim } = await readPlace(ctx, place);
          if (!isOurs(ctx, claim)) return [];
          return [{ id: idOf(place), name: recordName(place.domain), generation: claim.generation }];
        }),
      );
      return found.flat();
    },
  };
}

interface Seen {
  /** What lies at the place of Berth's own TXT record. */
  readonly claims: readonly ResourceRecordSet[];
  /** What tells where the name leads. */
  readonly records: readonly ResourceRecordSet[];
  readonly claim: Claim | undefined;
}

async function readPlace(ctx: ReadContext, place: Place): Promise<Seen> {
  const [all, beside] = await Promise.all([
    readSets(ctx, place),
    readSets(ctx, { ...place, domain: claimName(place.domain) }),
  ]);
  const claims = beside.filter(({ Type }) => Type === "TXT" || Type === "CNAME");
  const records = all.filter(({ Type }) => ["A", "AAAA", "CNAME"].includes(Type ?? ""));
  const [one, ...more] = claims.flatMap(({ ResourceRecords = [] }) => ResourceRecords);
  return { claims, records, claim: more.length > 0 ? undefined : parseClaim(one?.Value ?? "") };
}

function observe(place: Place, { claims, records, claim }: Seen & { readonly claim: Claim }): ObservedRecord {
  const sets = [...records.filter(({ Type }) => Type === "A"), ...claims];
  return { ...place, id: idOf(place), tags: claimTags(claim, place.domain), claim, sets };
}

function wantedSets(
  { region }: ReadContext,
  identity: Identity,
  desired: RecordDesired,
): ResourceRecordSet[] {
  const { domain, address } = desired;
  const claim = writeClaim({ stack: identity.stack, region, generation: identity.generation, address });
  return [
    { Name: `${domain}.`, Type: "A", TTL: ttlSeconds, ResourceRecords: [{ Value: address }] },
    { Name: `${claimName(domain)}.`, Type: "TXT", TTL: ttlSeconds, ResourceRecords: [{ Value: claim }] },
  ];
}

const creation = (ResourceRecordSet: ResourceRecordSet): Change => ({ Action: "CREATE", ResourceRecordSet });
const deletion = (ResourceRecordSet: ResourceRecordSet): Change => ({ Action: "DELETE", ResourceRecordSet });

const idOf = ({ zoneId, domain }: Place): string => `${zoneId}/${domain}`;

function parseId(id: string): Place {
  const [zoneId = "", domain = ""] = id.split("/");
  return { zoneId, domain };
}

interface Foreign {
  readonly place: Place;
  readonly seen: Seen;
  readonly stack: string;
  readonly region: string;
  readonly name: string;
}

/** Says what is there, and both ways on: away with it, or over to this stack. */
function foreignRecord({ place, seen, stack, region, name }: Foreign): BerthError {
  const { domain, zoneId } = place;
  const { claim, records } = seen;
  const there = [
    ...records.map(describeSet),
    ...seen.claims.map((one) => `${claimName(domain)} ${describeSet(one)}`),
  ];
  const owner = claim === undefined ? "isn't Berth's" : `belongs to stack ${claim.stack} in ${claim.region}`;
  const handOver = writeClaim({ stack, region, generation: 1, address: addressOf(records) });
  const isSimple = records.every(({ Type, SetIdentifier }) => Type === "A" && SetIdentifier === undefined);
  const ways =
    claim === undefined && seen.claims.length === 0 && isSimple
      ? `to hand it over to ${stack}, add the TXT record ${claimName(domain)} with the value ${handOver}; to keep it, take ${domain} out of berth.yaml`
      : `delete it in the zone if nobody needs it, or take ${domain} out of berth.yaml`;
  return new BerthError({
    code: "ForeignResource",
    message: `the record of ${domain} in hosted zone ${zoneId} ${owner}, so stack ${stack} won't touch it: ${there.join("; ")}`,
    hint: ways,
    resource: name,
  });
}

const addressOf = ([record]: readonly ResourceRecordSet[]): string =>
  record?.ResourceRecords?.[0]?.Value ?? "none";
