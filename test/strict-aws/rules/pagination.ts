import { randomUUID } from "node:crypto";
import { isOk, refuse, withXml, xmlOf, type Reply } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Next, Rule } from "../rule.ts";
import { changeAt, element, elementAt, type Element } from "../xml.ts";

export interface Pagination {
  /** Items per page. */
  readonly size: number;
}

// The path of the list in answers that AWS gives in pages. For S3, the parameter that sets the page size.
const lists: Record<string, string> = {
  "ec2:DescribeIamInstanceProfileAssociations": "iamInstanceProfileAssociationSet",
  "ec2:DescribeInstanceTypeOfferings": "instanceTypeOfferingSet",
  "ec2:DescribeInstances": "reservationSet",
  "ec2:DescribeInternetGateways": "internetGatewaySet",
  "ec2:DescribeNetworkInterfaces": "networkInterfaceSet",
  "ec2:DescribeRouteTables": "routeTableSet",
  "ec2:DescribeSecurityGroups": "securityGroupInfo",
  "ec2:DescribeSubnets": "subnetSet",
  "ec2:DescribeVolumes": "volumeSet",
  "ec2:DescribeVpcEndpoints": "vpcEndpointSet",
  "ec2:DescribeVpcs": "vpcSet",
  "iam:ListAttachedRolePolicies": "ListAttachedRolePoliciesResult/AttachedPolicies",
  "iam:ListInstanceProfiles": "ListInstanceProfilesResult/InstanceProfiles",
  "iam:ListInstanceProfilesForRole": "ListInstanceProfilesForRoleResult/InstanceProfiles",
  "iam:ListRolePolicies": "ListRolePoliciesResult/PolicyNames",
  "iam:ListRoles": "ListRolesResult/Roles",
  "s3:ListBuckets": "Buckets",
  "s3:ListObjectVersions": "max-keys",
  "s3:ListObjectsV2": "max-keys",
};

interface Rest {
  readonly reply: Reply;
  readonly root: Element;
  readonly items: readonly Element[];
}

/** Returns lists in small pages. All pages show the list as it was when the first one was requested. */
export function pagination({ size }: Pagination): Rule {
  const rests = new Map<string, Rest>();
  return async (request, next) => {
    const path = lists[`${request.service}:${request.operation}`];
    if (path === undefined || isWhole(request)) return next(request);
    if (path === "max-keys") return next(withQuery(request, (query) => query.set(path, String(size))));
    const token = tokenOf(request);
    const rest = token === undefined ? await readAll(request, next, path) : rests.get(token);
    if (rest === undefined) return invalidToken(request);
    if (!("items" in rest)) return rest;
    const left = rest.items.slice(size);
    const nextToken = left.length > 0 ? randomUUID() : undefined;
    if (nextToken !== undefined) rests.set(nextToken, { ...rest, items: left });
    const page = changeAt(rest.root, path, (list) => ({ ...list, children: rest.items.slice(0, size) }));
    return withXml(rest.reply, withToken(page, path, nextToken));
  };
}

// Without paging parameters, S3 returns all buckets at once.
function isWhole({ operation, url }: AwsRequest): boolean {
  return operation === "ListBuckets" && !queryOf(url).has("max-buckets");
}

const queryOf = (url: string): URLSearchParams => new URL(url, "http://s3").searchParams;

function withQuery(request: AwsRequest, change: (query: URLSearchParams) => void): AwsRequest {
  const query = queryOf(request.url);
  change(query);
  return { ...request, url: `${request.url.split("?")[0] ?? ""}?${query.toString()}` };
}

function tokenOf({ service, url, fields }: AwsRequest): string | undefined {
  if (service === "s3") return queryOf(url).get("continuation-token") ?? undefined;
  return fields.get(service === "ec2" ? "NextToken" : "Marker");
}

async function readAll(request: AwsRequest, next: Next, path: string): Promise<Rest | Reply> {
  const fields = new Map(request.fields);
  for (const name of ["MaxResults", "MaxItems"]) fields.delete(name);
  const unlimited = withQuery({ ...request, fields }, (query) => query.delete("max-buckets"));
  const reply = await next(unlimited);
  const root = xmlOf(reply);
  if (!isOk(reply) || root === undefined) return reply;
  return { reply, root, items: elementAt(root, path)?.children ?? [] };
}

/**
 * Adds the token of the next page. IAM has it beside the list, with a flag for more pages; the others have it at the
 * end of the answer.
 */
function withToken(root: Element, path: string, token: string | undefined): Element {
  const [result = "", ...list] = path.split("/");
  if (list.length > 0) {
    const end = [element("IsTruncated", String(token !== undefined))];
    return changeAt(root, result, (at) =>
      withEnd(at, token === undefined ? end : [...end, element("Marker", token)]),
    );
  }
  const name = root.name === "ListAllMyBucketsResult" ? "ContinuationToken" : "nextToken";
  return withEnd(root, token === undefined ? [] : [element(name, token)]);
}

function withEnd(at: Element, end: readonly Element[]): Element {
  const ends = new Set(["IsTruncated", "Marker", "nextToken", "ContinuationToken"]);
  return { ...at, children: [...at.children.filter(({ name }) => !ends.has(name)), ...end] };
}

function invalidToken(request: AwsRequest): Reply {
  const code = request.service === "ec2" ? "InvalidNextToken" : "ValidationError";
  return refuse(request, { status: 400, code, message: "The token is not one that was given out" });
}
