const operations: readonly (readonly [path: RegExp, byMethod: Readonly<Record<string, string>>])[] = [
  [/^hostedzone$/, { GET: "ListHostedZones", POST: "CreateHostedZone" }],
  [/^hostedzone\/[^/]+$/, { GET: "GetHostedZone", DELETE: "DeleteHostedZone" }],
  [/^hostedzone\/[^/]+\/rrset$/, { GET: "ListResourceRecordSets", POST: "ChangeResourceRecordSets" }],
  [/^change\/[^/]+$/, { GET: "GetChange" }],
];

/** The SDK's name of the operation. */
export function route53Operation(method: string, url: string): string {
  const path = new URL(url, "http://route53").pathname.replace(/^\/2013-04-01\//, "").replace(/\/$/, "");
  return operations.find(([form]) => form.test(path))?.[1][method] ?? `${method} ${path}`;
}

/** The id in the path: of a zone, or of a change. */
export const idInPath = (url: string): string =>
  decodeURIComponent(new URL(url, "http://route53").pathname.split("/")[3] ?? "");
