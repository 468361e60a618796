import {
  type Change,
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
} from "@aws-sdk/client-route-53";
import { isConflict, isThrottle, unlessAbsent } from "../../aws/errors.ts";
import { withoutDot } from "../../aws/hosted-zones.ts";
import type { ReadContext, WriteContext } from "../../contract/resource.ts";
import { lookUntil, retry } from "../../poll.ts";
import { requireId } from "../../toolkit/creation.ts";

const busyForMs = 2 * 60_000;
/** AWS: usually within 60 s. */
const spreadWithinMs = 3 * 60_000;

/** A name in a hosted zone. */
export interface Place {
  readonly zoneId: string;
  readonly domain: string;
}

/** All record sets of exactly this name; none if the zone is gone. Changes that aren't everywhere yet are in it already. */
export async function readSets(ctx: ReadContext, { zoneId, domain }: Place): Promise<ResourceRecordSet[]> {
  const sets: ResourceRecordSet[] = [];
  let from: Partial<ConstructorParameters<typeof ListResourceRecordSetsCommand>[0]> | undefined = {
    StartRecordName: `${domain}.`,
  };
  while (from !== undefined) {
    const command: ListResourceRecordSetsCommand = new ListResourceRecordSetsCommand({
      HostedZoneId: zoneId,
      MaxItems: 20,
      ...from,
    });
    const answer = await patiently(ctx, `the records of ${domain}`, () =>
      unlessAbsent(ctx.clients.route53.send(command)),
    );
    const own = (answer?.ResourceRecordSets ?? []).filter((one) => withoutDot(one.Name ?? "") === domain);
    sets.push(...own);
    const goesOn = answer?.IsTruncated === true && withoutDot(answer.NextRecordName ?? "") === domain;
    from = goesOn
      ? {
          StartRecordName: answer.NextRecordName,
          StartRecordType: answer.NextRecordType,
          StartRecordIdentifier: answer.NextRecordIdentifier,
        }
      : undefined;
  }
  return sets;
}

/**
 * Makes all changes or none, and waits until every name server of the zone answers by them. Use DELETE and CREATE rather than
 * UPSERT: Route 53 refuses both if the record isn't as it was seen.
 */
export async function changeSets(ctx: WriteContext, { zoneId, domain }: Place, Changes: Change[]) {
  const { route53 } = ctx.clients;
  const change = new ChangeResourceRecordSetsCommand({ HostedZoneId: zoneId, ChangeBatch: { Changes } });
  const { ChangeInfo } = await patiently(ctx, `the zone of ${domain}`, () => route53.send(change));
  const Id = requireId(ChangeInfo?.Id, "ChangeResourceRecordSets");
  const look = async () => {
    const { ChangeInfo: now } = await patiently(ctx, `the zone of ${domain}`, () =>
      route53.send(new GetChangeCommand({ Id })),
    );
    if (now?.Status !== "PENDING") return { done: true };
    return { waiting: `Route 53 tells its name servers about ${domain}` };
  };
  // The change is made. If AWS takes longer, nothing of the run depends on it.
  await lookUntil(ctx, {
    what: `${domain} on all name servers`,
    timeoutMs: spreadWithinMs,
    look,
  });
}

/** Route 53 takes five calls a second from an account, and one change of a zone at a time. */
function patiently<T>(ctx: ReadContext, what: string, attempt: () => Promise<T>): Promise<T> {
  const retryOn = (error: unknown) => isConflict(error) || isThrottle(error);
  return retry(ctx, { what, timeoutMs: busyForMs, retryOn, attempt });
}

/** The record set as people write one: `A 203.0.113.7`. */
export function describeSet({ Type, ResourceRecords = [], AliasTarget, SetIdentifier }: ResourceRecordSet) {
  const values = ResourceRecords.map(({ Value }) => Value).join(", ");
  const target = AliasTarget === undefined ? values : `alias of ${withoutDot(AliasTarget.DNSName ?? "")}`;
  return `${Type} ${target}${SetIdentifier === undefined ? "" : ` (${SetIdentifier})`}`;
}
