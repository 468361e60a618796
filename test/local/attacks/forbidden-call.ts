import type { Endpoints } from "../../../lib/aws/clients.ts";
import type { RawAnswer, RawCall } from "./signed-call.ts";

/** The commands' gateway of an embedded AWS, and what a command knows about it. */
export interface GatewayTarget {
  readonly endpoints: Endpoints;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The same, with the URL split into its parts. */
interface Own extends GatewayTarget {
  readonly port: number;
  /** The name that the gateway expects. */
  readonly host: string;
}

/** One call that must be refused. */
export interface ForbiddenCall {
  readonly name: string;
  /** As `describeAnswer` tells it. */
  readonly expected: string;
  readonly call: (own: Own) => RawCall | Promise<RawCall>;
}

export function ownOf(target: GatewayTarget): Own {
  const { port, host } = new URL(target.endpoints.ec2);
  return { ...target, port: Number(port), host };
}

/** Describes an answer: its status, its error code, and each header that would let web pages read it. */
export function describeAnswer({ status, headers, body }: RawAnswer): string {
  const code = /<Code>(\w+)<|"__type": ?"(\w+)"|"code": ?"(\w+)"/
    .exec(body)
    ?.slice(1)
    .find((one) => one !== undefined);
  const open = Object.keys(headers).filter((name) => name.startsWith("access-control-"));
  return [String(status), ...(code === undefined ? [] : [code]), ...open].join(" ");
}

const formType = "application/x-www-form-urlencoded; charset=utf-8";

export const post = (url: string, headers: Record<string, string> = {}, body = ""): RawCall => ({
  method: "POST",
  url,
  headers,
  body,
});

/** A call of EC2's. */
export const ec2Call = (host: string, body = "Action=DescribeVpcs&Version=2016-11-15"): RawCall =>
  post("/", { host, "content-type": formType }, body);
