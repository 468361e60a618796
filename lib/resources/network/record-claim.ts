import { createHash } from "node:crypto";
import { ownershipTags, type Tags } from "../../owner.ts";

/**
 * Who made a record. Records have no tags, so this stands in a TXT record beside it, and both are made, changed and removed in
 * one call, which Route 53 carries out as a whole or not at all.
 */
export interface Claim {
  readonly stack: string;
  /** Zones have no regions, and stacks of one name may be in several. */
  readonly region: string;
  readonly generation: number;
  /** What Berth wrote into the A record. */
  readonly address: string;
}

export const claimName = (domain: string): string => `_berth.${domain}`;

/** The value of the TXT record, with its quotation marks. */
export const writeClaim = ({ stack, region, generation, address }: Claim): string =>
  `"berth stack=${stack} region=${region} generation=${generation} address=${address}"`;

/** Undefined for any text that isn't exactly a claim. */
export function parseClaim(text: string): Claim | undefined {
  const form =
    /^"berth stack=(?<stack>[^\s"]+) region=(?<region>[^\s"]+) generation=(?<generation>\d{1,10}) address=(?<address>[^\s"]+)"$/;
  const { stack, region, generation, address } = form.exec(text)?.groups ?? {};
  if (stack === undefined || region === undefined || address === undefined) return undefined;
  return { stack, region, generation: Number(generation), address };
}

/** The same as tags, by which the engine tells what belongs to a stack. */
export const claimTags = ({ stack, generation }: Claim, domain: string): Tags =>
  ownershipTags({ stack, name: recordName(domain), generation });

/** The logical name of a domain's record. The hash tells `a-b.example.org` from `a.b.example.org`. */
export function recordName(domain: string): string {
  const hash = createHash("sha256").update(domain).digest("hex").slice(0, 8);
  const readable = domain.replaceAll(".", "-").slice(0, 40).replace(/-+$/, "");
  return `record-${readable}-${hash}`;
}
