import { ListResourceRecordSetsCommand, type ResourceRecordSet } from "@aws-sdk/client-route-53";
import { listHostedZones, withoutDot, zoneFor } from "../../aws/hosted-zones.ts";
import type { Clients } from "../../aws/clients.ts";
import type { ZoneAnswer } from "../network/name-server.ts";

type Route53 = Pick<Clients, "route53">;

/** What the public zones of the emulated Route 53 answer; undefined for a name that none of them covers. */
export async function answerFromZones(
  clients: Route53,
  question: { readonly name: string; readonly type: string },
): Promise<ZoneAnswer | undefined> {
  const name = question.name.toLowerCase();
  const zone = zoneFor(name, await listHostedZones(clients));
  if (zone === undefined) return undefined;
  const own = (await readZone(clients, zone.id)).filter((one) => nameOf(one) === name);
  return {
    exists: own.length > 0,
    values: own.filter(({ Type }) => Type === question.type).flatMap(valuesOf),
  };
}

/** The addresses of all names in public zones. */
export async function addressesInZones(clients: Route53): Promise<Record<string, string[]>> {
  const zones = await listHostedZones(clients);
  const sets = (await Promise.all(zones.map(({ id }) => readZone(clients, id)))).flat();
  const addresses: Record<string, string[]> = {};
  for (const one of sets.filter(({ Type }) => Type === "A" || Type === "AAAA")) {
    (addresses[nameOf(one)] ??= []).push(...valuesOf(one));
  }
  return addresses;
}

/** The emulator has no zone with more records than one page. */
async function readZone({ route53 }: Route53, HostedZoneId: string): Promise<ResourceRecordSet[]> {
  const command = new ListResourceRecordSetsCommand({ HostedZoneId, MaxItems: 300 });
  return (await route53.send(command)).ResourceRecordSets ?? [];
}

const nameOf = ({ Name = "" }: ResourceRecordSet): string => withoutDot(Name).toLowerCase();

const valuesOf = ({ ResourceRecords = [] }: ResourceRecordSet): string[] =>
  ResourceRecords.flatMap(({ Value }) => Value ?? []);
