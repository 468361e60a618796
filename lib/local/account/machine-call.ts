import { partition } from "@aws-sdk/core/client";
import { decode, headerOf, pathOf, queryOf, type RequestHead } from "./claim.ts";
import type { Wanted } from "./policy.ts";
import { Refusal } from "./refusal.ts";

/** A machine's call, to be checked against its role's policies. */
export interface MachineCall {
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly head: RequestHead;
  /** Undefined for S3. */
  readonly body: Buffer | undefined;
}

/** What the call wants to do, and the head to pass on, in the one spelling that was judged. */
export interface Judged {
  readonly wanted: readonly Wanted[];
  readonly head: RequestHead;
}

const formType = /^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i;

/** @throws Refusal `denied` for every operation that Berth's hosts don't use. */
export function judgeCall(call: MachineCall): Judged {
  if (call.service === "s3") return judgeS3(call);
  if (call.service === "ssmmessages") return { wanted: [channelWanted(call.head)], head: call.head };
  if (call.head.url !== "/" || call.head.method !== "POST") throw denied("Only POST / is answered");
  if (call.service === "ecr") return { wanted: [ecrWanted(call)], head: call.head };
  if (call.service === "logs") return { wanted: [logsWanted(call)], head: call.head };
  if (call.service === "monitoring") return { wanted: [metricsWanted(call)], head: call.head };
  if (isSecretStore(call.service)) return { wanted: [secretWanted(call, call.service)], head: call.head };
  // With another content type, the same body could mean another action.
  if (!formType.test(call.head.headers["content-type"] ?? "")) throw denied("Only a form is answered");
  const action = new URLSearchParams(call.body?.toString("utf8")).getAll("Action");
  // AWS allows GetCallerIdentity without any permission.
  const isWhoAmI = call.service === "sts" && action.length === 1 && action[0] === "GetCallerIdentity";
  if (!isWhoAmI) throw denied(`${call.service}:${action.join()} is nothing for a machine`);
  return { wanted: [], head: call.head };
}

/** The operation of an ECR call: `GetAuthorizationToken`. */
export function ecrOperation({ headers }: RequestHead): string {
  const target = headerOf(headers, "x-amz-target") ?? "";
  return /^AmazonEC2ContainerRegistry_V20150921\.(\w+)$/.exec(target)?.[1] ?? "";
}

function ecrWanted(call: MachineCall): Wanted {
  const operation = ecrOperation(call.head);
  if (operation === "") throw denied("That is no operation of ECR");
  const body: unknown = parse(call.body);
  const name =
    body !== null && typeof body === "object" && "repositoryName" in body ? body.repositoryName : undefined;
  return { action: `ecr:${operation}`, resource: typeof name === "string" ? repositoryArn(call, name) : "*" };
}

type SecretStore = "ssm" | "secretsmanager";

const isSecretStore = (service: string): service is SecretStore =>
  service === "ssm" || service === "secretsmanager";

/** The one operation with which a host reads a value. */
const reading = {
  ssm: { target: "AmazonSSM.GetParameter", field: "Name" },
  secretsmanager: { target: "secretsmanager.GetSecretValue", field: "SecretId" },
} as const;

function secretWanted(call: MachineCall, service: SecretStore): Wanted {
  const { target, field } = reading[service];
  if (headerOf(call.head.headers, "x-amz-target") !== target) throw denied("A machine only reads a value");
  const body = parse(call.body);
  const name: unknown =
    body !== null && typeof body === "object" ? new Map(Object.entries(body)).get(field) : "";
  const { region, account } = call;
  const place = `arn:${partition(region).name}:${service}:${region}:${account}`;
  // By its ARN, the same value would have another name than the policy's.
  if (typeof name !== "string" || !/^[A-Za-z0-9/_+=.@-]+(?::[0-9]+)?$/.test(name))
    throw denied("That is no name");
  if (service === "ssm") {
    // The version isn't part of the ARN.
    const resource = `${place}:parameter/${name.replace(/:[0-9]+$/, "").replace(/^\//, "")}`;
    return { action: "ssm:GetParameter", resource };
  }
  // AWS draws the last six characters.
  return { action: "secretsmanager:GetSecretValue", resource: `${place}:secret:${name}-aB3dE6` };
}

/** Session Manager's agent makes a channel by POST, and opens it by GET. Nothing here has a channel to give. */
function channelWanted({ method, url }: RequestHead): Wanted {
  const kind = /^\/v1\/(control|data)-channel\/[\w-]+$/.exec(pathOf(url))?.[1];
  const verb = method === "POST" ? "Create" : method === "GET" ? "Open" : undefined;
  if (kind === undefined || verb === undefined) throw denied("That is no channel");
  return { action: `ssmmessages:${verb}${kind === "data" ? "Data" : "Control"}Channel`, resource: "*" };
}

function logsWanted(call: MachineCall): Wanted {
  const target = headerOf(call.head.headers, "x-amz-target") ?? "";
  const operation = /^Logs_20140328\.(CreateLogStream|PutLogEvents)$/.exec(target)?.[1];
  if (operation === undefined) throw denied("A machine only writes logs");
  const body = parse(call.body);
  const fields = new Map<string, unknown>(
    body !== null && typeof body === "object" ? Object.entries(body) : [],
  );
  const [group, stream] = [fields.get("logGroupName"), fields.get("logStreamName")];
  if (typeof group !== "string" || typeof stream !== "string" || fields.has("logGroupIdentifier"))
    throw denied("That is no log stream");
  const { region, account } = call;
  const place = `arn:${partition(region).name}:logs:${region}:${account}`;
  return { action: `logs:${operation}`, resource: `${place}:log-group:${group}:log-stream:${stream}` };
}

function metricsWanted(call: MachineCall): Wanted {
  const target = headerOf(call.head.headers, "x-amz-target") ?? "";
  if (target !== "GraniteServiceVersion20100801.PutMetricData") throw denied("A machine only writes metrics");
  // As a form, the same body could mean another namespace.
  if (call.head.headers["content-type"] !== "application/x-amz-json-1.0")
    throw denied("Only JSON is answered");
  const body = parse(call.body);
  const namespace = body !== null && typeof body === "object" && "Namespace" in body ? body.Namespace : "";
  if (typeof namespace !== "string") throw denied("That is no namespace");
  return {
    action: "cloudwatch:PutMetricData",
    resource: "*",
    context: { "cloudwatch:namespace": namespace },
  };
}

function parse(body: Buffer | undefined): unknown {
  try {
    return JSON.parse(body?.toString("utf8") ?? "");
  } catch {
    throw denied("The body is no JSON");
  }
}

interface Place {
  readonly region: string;
  readonly account: string;
}

const repositoryArn = ({ region, account }: Place, name: string): string =>
  `arn:${partition(region).name}:ecr:${region}:${account}:repository/${name}`;

/** The ECR permissions that a request to the registry itself needs. @throws Refusal `denied`. */
export function judgeRegistry({ method, url }: RequestHead, place: Place): Wanted[] {
  const path = decode(pathOf(url));
  if (path === "/v2/" || path === "/v2") return [];
  const match = /^\/v2\/([a-z0-9][a-z0-9._/-]*)\/(manifests|blobs)\/([A-Za-z0-9:._-]+)$/.exec(path);
  const isRead = method === "GET" || method === "HEAD";
  const [, name = "", kind] = match ?? [];
  if (match === null || !isRead || name.includes("..")) throw denied("A machine only pulls");
  const action = kind === "manifests" ? "ecr:BatchGetImage" : "ecr:GetDownloadUrlForLayer";
  return [{ action, resource: repositoryArn(place, name) }];
}

const s3Host =
  /^(?:([a-z0-9][a-z0-9.-]+)\.)?s3(?:\.dualstack)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?(?::443)?$/;
const objectActions: Readonly<Record<string, string>> = {
  GET: "s3:GetObject",
  HEAD: "s3:GetObject",
  PUT: "s3:PutObject",
  DELETE: "s3:DeleteObject",
};
/** SDKs name the operation in `x-id`. It has no effect. */
const objectQueries: ReadonlySet<string> = new Set(["x-id"]);
const listQueries: ReadonlySet<string> = new Set([
  "x-id",
  "list-type",
  "prefix",
  "delimiter",
  "max-keys",
  "continuation-token",
  "start-after",
  "encoding-type",
]);
/** Each of these headers needs a further permission besides the one to put the object. */
const furtherHeaders = /^x-amz-(?:copy-|acl$|grant-|tagging|object-lock|bypass|website)/;

function judgeS3({ head, region }: MachineCall): Judged {
  const { method, url, headers } = head;
  const match = s3Host.exec(headers.host ?? "");
  if (match === null) throw denied("That host isn't S3's");
  const further = Object.keys(headers).find((name) => furtherHeaders.test(name));
  if (further !== undefined) throw denied(`${further} is nothing for a machine`);
  const path = match[1] === undefined ? pathOf(url) : `/${match[1]}${pathOf(url)}`;
  const [, bucket = "", ...rest] = path.split("/").map((part) => decode(part));
  const key = rest.join("/");
  const query = queryOf(url).map(([name]) => name);
  const arn = `arn:${partition(region).name}:s3:::${bucket}`;
  // The emulator behind the gateway might read an empty or dotted segment in another way, and does decode a segment a
  // second time.
  if (rest.length > 0 && key !== "" && rest.some((part) => part === "" || /^\.\.?$|[/%]/.test(part))) {
    throw denied("That key is nothing for a machine");
  }
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(bucket)) throw denied("That is no bucket");
  const action = key === "" ? listAction(method) : objectActions[method];
  const isKnown = query.every((name) => (key === "" ? listQueries : objectQueries).has(name));
  if (action === undefined || !isKnown) throw denied("That operation of S3 is nothing for a machine");
  const search = url.slice(pathOf(url).length);
  return {
    wanted: [{ action, resource: key === "" ? arn : `${arn}/${key}` }],
    // From here on the bucket is in the path, however the request named it.
    head: { ...head, url: `${path}${search}`, headers: { ...headers, host: "localhost" } },
  };
}

const listAction = (method: string): string | undefined =>
  method === "GET" || method === "HEAD" ? "s3:ListBucket" : undefined;

/** Whether the host is an endpoint of the service, in any of AWS's spellings. */
export function isHostOf(service: string, host: string): boolean {
  if (service === "s3") return s3Host.test(host);
  const suffix = String.raw`(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?(?::443)?`;
  return new RegExp(`^(?:api\\.)?${service}${suffix}$`).test(host);
}

const denied = (message: string): Refusal => new Refusal("denied", message);
