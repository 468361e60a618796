import type { CaaRecord } from "node:dns";
import type { PlanWarning } from "../report/shown-plan.ts";
import type { NameAnswers } from "./name-lookup.ts";

/** Where a name has to lead, and who can make it so. */
export interface NameAim {
  /** The stack's address; absent before there is one. */
  readonly address: string | undefined;
  /** The hosted zone of the account that covers the name, if there is one: there, the record is Berth's. */
  readonly zone: { readonly id: string; readonly name: string } | undefined;
  /** Whether the next `up` sets the record. */
  readonly isPending: boolean;
  /** What the authority is called in CAA records; absent if that isn't known. */
  readonly authority: string | undefined;
}

/** What is wrong with the answers for a name, each with what to do. Pure. The first ones keep a certificate from being issued. */
export function judgeName(answers: NameAnswers, aim: NameAim): PlanWarning[] {
  const found = [judgeIpv4(answers, aim), judgeIpv6(answers), judgeCaa(answers, aim)];
  return found.filter((one) => one !== undefined);
}

/** The name and what DNS answers, as one line. Pure. */
export function describeAnswers({ name, ipv4, ipv6 }: NameAnswers): string {
  const failures = [ipv4, ipv6].flatMap((one) => ("failure" in one ? [one.failure] : []));
  const values = [ipv4, ipv6].flatMap((one) => ("failure" in one ? [] : one.values));
  if (values.length > 0) return `${name} leads to ${values.join(", ")}`;
  return failures.length > 0 ? `${name}: no answer (${failures[0]})` : `${name} doesn't resolve`;
}

function judgeIpv4({ name, ipv4 }: NameAnswers, aim: NameAim): PlanWarning | undefined {
  const { address, zone, isPending } = aim;
  if ("failure" in ipv4)
    return {
      code: "name-unanswered",
      message: `DNS gives no answer for ${name} (${ipv4.failure})`,
      hint: "look whether this computer's name servers answer for other names; if they do, those of this domain don't",
    };
  const others = ipv4.values.filter((one) => one !== address);
  if (isPending || (others.length === 0 && ipv4.values.length > 0)) return undefined;
  const there = zone && `its record is in hosted zone ${zone.id}, which DNS doesn't ask yet`;
  const delegate =
    zone &&
    `have the registrar of ${zone.name} name the zone's name servers: \`aws route53 get-hosted-zone --id ${zone.id}\` lists them`;
  if (ipv4.values.length === 0)
    return {
      code: "name-unresolved",
      message: `${name} doesn't resolve${there === undefined ? "" : `: ${there}`}`,
      hint: delegate ?? recordToSet(name, address),
    };
  const isAlso = others.length < ipv4.values.length;
  return {
    code: "name-elsewhere",
    message: `${name} leads ${isAlso ? "also " : ""}to ${others.join(", ")}${address === undefined ? "" : `, and not ${isAlso ? "only " : ""}to ${address}`}`,
    hint: delegate ?? `${recordToSet(name, address)}, in place of what is there`,
  };
}

/** The line for the zone of a name that is somebody else's. */
export const recordToSet = (name: string, address: string | undefined): string =>
  address === undefined
    ? `up tells the record to set, once there is an address`
    : `set the record \`${name}. 60 IN A ${address}\` where the domain's DNS is run`;

function judgeIpv6({ name, ipv6 }: NameAnswers): PlanWarning | undefined {
  if ("failure" in ipv6 || ipv6.values.length === 0) return undefined;
  return {
    code: "name-aaaa",
    message: `${name} has an AAAA record to ${ipv6.values.join(", ")}, which isn't this stack: it has no IPv6`,
    hint: "delete the AAAA record: browsers and the certificate's authority ask there first",
  };
}

const knownTags = new Set([
  "critical",
  "issue",
  "issuewild",
  "issuemail",
  "issuevmc",
  "iodef",
  "contactemail",
  "contactphone",
]);

function judgeCaa({ name, caa }: NameAnswers, { authority }: NameAim): PlanWarning | undefined {
  if (authority === undefined || "failure" in caa) return undefined;
  const issuers = caa.values.flatMap(({ issue }) => (issue === undefined ? [] : [issue]));
  const isForbidden = issuers.length > 0 && !issuers.some((one) => allows(one, authority));
  if (!isForbidden && !caa.values.some(isUnknownAndCritical)) return undefined;
  return {
    code: "name-caa",
    message: `a CAA record forbids ${authority} a certificate for ${name}: ${issuers.map((one) => `issue "${one}"`).join(", ") || "it has a critical property that no authority knows"}`,
    hint: `add the record \`${name}. IN CAA 0 issue "${authority}"\`, or name another authority in https.directory`,
  };
}

/** https://www.rfc-editor.org/rfc/rfc8659#section-4.2, and validationmethods of RFC 8657. The host shows http-01. */
function allows(issue: string, authority: string): boolean {
  const [issuer = "", ...parameters] = issue.split(";").map((one) => one.trim().toLowerCase());
  if (issuer !== authority) return false;
  const methods = parameters.find((one) => /^validationmethods\s*=/.test(one))?.split("=")[1];
  return methods === undefined || methods.split(",").some((one) => one.trim() === "http-01");
}

const isUnknownAndCritical = (record: CaaRecord): boolean =>
  record.critical > 0 && Object.keys(record).some((tag) => !knownTags.has(tag) && tag !== "type");

/** What the authority of an ACME directory is called in CAA records, where that is known. */
export const authorityOf = (directory: string): string | undefined =>
  /^https:\/\/[a-z0-9-]+\.api\.letsencrypt\.org\//.test(directory) ? "letsencrypt.org" : undefined;
