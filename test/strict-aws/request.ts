import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { callKind } from "../../lib/aws/clients.ts";
import { route53Operation } from "./route53-operation.ts";
import { s3Operation } from "./s3-operation.ts";

const services = [
  "cloudwatch",
  "ec2",
  "ecr",
  "iam",
  "logs",
  "route53",
  "s3",
  "secretsmanager",
  "sns",
  "ssm",
  "sts",
] as const;
export type Service = (typeof services)[number];

/** One call as it arrived, in any of the protocols. */
export interface AwsRequest {
  /** In order of arrival, from 1. */
  readonly number: number;
  readonly service: Service;
  readonly operation: string;
  readonly kind: "read" | "write";
  readonly region: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Parameters of EC2, IAM, SNS and STS, in the flat form of the protocol: `Filter.1.Name`. Forwarded as they are here. */
  readonly fields: ReadonlyMap<string, string>;
  /** The body in the other protocols. A long S3 object is passed through as a stream. */
  readonly body: Buffer | Readable;
}

const isQuery = (service: Service): boolean => ["ec2", "iam", "sns", "sts"].includes(service);

/** Undefined for a request that isn't a signed call to one of the services. */
export async function readRequest(
  incoming: IncomingMessage,
  number: number,
): Promise<AwsRequest | undefined> {
  const { method = "GET", url = "/", headers } = incoming;
  const scope = /Credential=[^/]+\/\d+\/(?<region>[^/]+)\/(?<name>[^/]+)\//.exec(headers.authorization ?? "");
  const signed = scope?.groups?.["name"];
  const service = services.find((name) => name === (signed === "monitoring" ? "cloudwatch" : signed));
  if (service === undefined) return undefined;
  const rest = { number, service, region: scope?.groups?.["region"] ?? "", method, url, headers };
  const called = (operation: string) => ({ ...rest, operation, kind: callKind(operation) });
  if (service === "s3") {
    const operation = s3Operation(method, url, headers);
    const isStreamed = streamed.has(operation) && !isShort(headers);
    const body = isStreamed ? incoming : await readAll(incoming);
    return { ...called(operation), fields: new Map(), body };
  }
  const body = await readAll(incoming);
  if (service === "route53") return { ...called(route53Operation(method, url)), fields: new Map(), body };
  const fields = new Map(isQuery(service) ? new URLSearchParams(body.toString("utf8")) : []);
  // `AmazonSSM.GetParameter`
  const target = String(headers["x-amz-target"]).split(".").at(-1);
  return { ...called(fields.get("Action") ?? target ?? ""), fields, body };
}

/** Like `buffer` of node:stream/consumers, without the intermediate Blob. */
export async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = await incoming.toArray();
  return Buffer.concat(chunks);
}

const streamed = new Set(["PutObject", "UploadPart"]);
const shortBytes = 1024 * 1024;

/** A body without a stated length counts as long. */
const isShort = (headers: IncomingHttpHeaders): boolean =>
  Number(headers["content-length"] ?? Infinity) <= shortBytes;

/** The bytes to forward. */
export function bodyOf({ service, fields, body }: AwsRequest): Buffer | Readable {
  return isQuery(service) ? Buffer.from(new URLSearchParams([...fields]).toString()) : body;
}

/** Values of a list parameter: `VpcId.1`, `VpcId.2`; or of the single `VpcId`. */
export function listOf({ fields }: AwsRequest, name: string): string[] {
  return [...fields].filter(([key]) => key === name || isIndexed(key, name)).map(([, value]) => value);
}

const isIndexed = (key: string, name: string): boolean =>
  key.startsWith(`${name}.`) && /^\d+$/.test(key.slice(name.length + 1));

/** Values of a filter, or undefined when the request doesn't have the filter. */
export function filterOf(request: AwsRequest, name: string): string[] | undefined {
  const prefix = filterPrefix(request, name);
  return prefix === undefined ? undefined : listOf(request, `${prefix}.Value`);
}

/** The same request without a filter, for a rule that filters by its own modified values. */
export function withoutFilter(request: AwsRequest, name: string): AwsRequest {
  const prefix = filterPrefix(request, name);
  if (prefix === undefined) return request;
  const kept = [...request.fields].filter(([key]) => !key.startsWith(`${prefix}.`));
  return { ...request, fields: new Map(kept) };
}

function filterPrefix({ fields }: AwsRequest, name: string): string | undefined {
  for (const [key, value] of fields) {
    const prefix = /^(Filter\.\d+)\.Name$/.exec(key)?.[1];
    if (prefix !== undefined && value === name) return prefix;
  }
  return undefined;
}
