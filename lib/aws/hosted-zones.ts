import { paginateListHostedZones } from "@aws-sdk/client-route-53";
import { BerthError, exitCodes } from "../errors.ts";
import type { Clients } from "./clients.ts";

/** A public hosted zone of Route 53. */
export interface HostedZone {
  /** `Z0123456789ABC`, without the path that AWS puts before it. */
  readonly id: string;
  /** `example.org`, without a dot at the end. */
  readonly name: string;
}

/** All public hosted zones of the account. A private zone answers only within its networks. */
export async function listHostedZones({ route53 }: Pick<Clients, "route53">): Promise<HostedZone[]> {
  const zones: HostedZone[] = [];
  for await (const { HostedZones = [] } of paginateListHostedZones({ client: route53 }, {})) {
    for (const { Id = "", Name = "", Config } of HostedZones) {
      if (Config?.PrivateZone !== true)
        zones.push({ id: Id.split("/").at(-1) ?? "", name: withoutDot(Name) });
    }
  }
  return zones;
}

/** DNS allows 253 characters, and a record of Berth's own stands beside each: `_berth.` and the name. */
const longestName = 253 - "_berth.".length;

/**
 * The zone that the name belongs to: the longest that covers it. Undefined if none does, or if the name has no room for
 * Berth's own record.
 *
 * @throws BerthError `AmbiguousHostedZone`: the account may have several zones of one name, and only one of them answers.
 */
export function zoneFor(domain: string, zones: readonly HostedZone[]): HostedZone | undefined {
  if (domain.length > longestName) return undefined;
  const covering = zones.filter(({ name }) => domain === name || domain.endsWith(`.${name}`));
  const longest = Math.max(...covering.map(({ name }) => name.length));
  const [zone, ...others] = covering.filter(({ name }) => name.length === longest);
  if (zone !== undefined && others.length > 0) throw ambiguous(domain, [zone, ...others]);
  return zone;
}

function ambiguous(domain: string, zones: readonly HostedZone[]): BerthError {
  const [{ name } = { name: domain }] = zones;
  const ids = zones.map(({ id }) => id).toSorted();
  return new BerthError({
    code: "AmbiguousHostedZone",
    message: `${domain} belongs to ${ids.length} public hosted zones of the account, which are all called ${name}: ${ids.join(", ")}`,
    hint: `keep the one whose name servers the registrar of ${name} names, and delete the others`,
    exitCode: exitCodes.badInput,
  });
}

/** Names as berth.yaml writes them: AWS ends each with a dot. */
export const withoutDot = (name: string): string => name.replace(/\.$/, "");
