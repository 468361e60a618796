import { randomUUID } from "node:crypto";
import { isOk, refuse, withXml, xmlOf, type Reply } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";
import { changeAt, element, elementAt, type Element } from "../xml.ts";

export interface Pagination {
  /** Items a page. */
  readonly size: number;
}

// The list's path in the answers that AWS gives in pages; of S3, the parameter that its own pages are asked for with.
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
  "s3:ListBuckets": "max-buckets",
  "s3:ListObjectVersions": "max-keys",
  "s3:ListObjectsV2": "max-keys",
};

interface Rest {
  readonly reply: Reply;
  readonly root: Element;
  readonly items: readonly Element[];
}

/** Lists come in small pages. All of one list is as it was when its first page was asked for. */
export function pagination({ size }: Pagination): Rule {
  const rests = new Map<string, Rest>();
  return async (request, next) => {
    const { service, operation } = request;
    const path = lists[`${service}:${operation}`];
    if (path === undefined) return next(request);
    if (service === "s3") return next(withParameter(request, path, size));
    const token = request.fields.get(service === "ec2" ? "NextToken" : "Marker");
    const rest = token === undefined ? await readAll(request, next, path) : rests.get(token);
    if (rest === undefined) return invalidToken(request);
    if (!("items" in rest)) return rest;
    const left = rest.items.slice(size);
    const nextToken = left.length > 0 ? randomUUID() : undefined;
    if (nextToken !== undefined) rests.set(nextToken, { ...rest, items: left });
    const page = changeAt(rest.root, path, (list) => ({ ...list, children: rest.items.slice(0, size) }));
    return withXml(rest.reply, service === "ec2" ? ec2Page(page, nextToken) : iamPage(page, path, nextToken));
  };
}

function withParameter(request: AwsRequest, name: string, size: number): AwsRequest {
  const [path = "", query = ""] = request.url.split("?");
  const parameters = new URLSearchParams(query);
  parameters.set(name, String(size));
  return { ...request, url: `${path}?${parameters.toString()}` };
}

async function readAll(
  request: AwsRequest,
  next: (request: AwsRequest) => Promise<Reply>,
  path: string,
): Promise<Rest | Reply> {
  const fields = new Map(request.fields);
  fields.delete("MaxResults");
  fields.delete("MaxItems");
  const reply = await next({ ...request, fields });
  const root = xmlOf(reply);
  if (!isOk(reply) || root === undefined) return reply;
  return { reply, root, items: elementAt(root, path)?.children ?? [] };
}

function ec2Page(root: Element, token: string | undefined): Element {
  const others = root.children.filter(({ name }) => name !== "nextToken");
  return { ...root, children: token === undefined ? others : [...others, element("nextToken", token)] };
}

function iamPage(root: Element, path: string, token: string | undefined): Element {
  const end = [element("IsTruncated", String(token !== undefined))];
  if (token !== undefined) end.push(element("Marker", token));
  return changeAt(root, path.split("/")[0] ?? "", (result) => {
    const others = result.children.filter(({ name }) => name !== "IsTruncated" && name !== "Marker");
    return { ...result, children: [...others, ...end] };
  });
}

function invalidToken(request: AwsRequest): Reply {
  const code = request.service === "ec2" ? "InvalidNextToken" : "ValidationError";
  return refuse(request, { status: 400, code, message: "The token is not one that was given out" });
}
