import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { AwsRequest, Service } from "./request.ts";
import { elementAt, element, parseXml, textAt, writeXml, type Element } from "./xml.ts";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The content of an S3 object is a stream; every other body has been read. */
  readonly body: Buffer | Readable;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const namespaces: Record<string, string> = {
  route53: "https://route53.amazonaws.com/doc/2013-04-01/",
  iam: "https://iam.amazonaws.com/doc/2010-05-08/",
  sns: "http://sns.amazonaws.com/doc/2010-03-31/",
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
};

const jsonServices: ReadonlySet<Service> = new Set(["cloudwatch", "ecr", "logs", "secretsmanager", "ssm"]);
const isJson = (service: Service): boolean => jsonServices.has(service);

/** Makes an error in the exact format of the service's protocol, so that the SDK finds its name. */
export function refuse({ service, method }: AwsRequest, refusal: Refusal): Reply {
  const { status } = refusal;
  if (isJson(service)) {
    const body = JSON.stringify({ __type: refusal.code, message: refusal.message });
    return { status, headers: { "content-type": "application/x-amz-json-1.1" }, body: Buffer.from(body) };
  }
  // An answer to HEAD has no body, so S3's errors are then recognised by their status alone.
  const body = method === "HEAD" ? "" : `${declaration}${writeXml(errorElement(service, refusal))}`;
  return { status, headers: { "content-type": "text/xml;charset=UTF-8" }, body: Buffer.from(body) };
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

function errorElement(service: Service, { status, code, message }: Refusal): Element {
  const id = randomUUID();
  const said = [element("Code", code), element("Message", message)];
  if (service === "s3") {
    return element("Error", [...said, element("RequestId", id), element("HostId", id)]);
  }
  if (service === "ec2") {
    const errors = element("Errors", [element("Error", said)]);
    return element("Response", [errors, element("RequestID", id)]);
  }
  const type = element("Type", status < 500 ? "Sender" : "Receiver");
  const body = [element("Error", [type, ...said]), element("RequestId", id)];
  return { ...element("ErrorResponse", body), attributes: ` xmlns="${namespaces[service]}"` };
}

export const isOk = ({ status }: Reply): boolean => status < 400;

/** The answer as XML. Undefined when it isn't XML or is an error. */
export function xmlOf(reply: Reply): Element | undefined {
  return isOk(reply) && reply.body instanceof Buffer ? parseXml(reply.body.toString("utf8")) : undefined;
}

export function withXml(reply: Reply, root: Element): Reply {
  return { ...reply, body: Buffer.from(declaration + writeXml(root)) };
}

/** `ok`, or the error's name, or the status where the protocol gives no name. */
export function outcomeOf({ service }: AwsRequest, reply: Reply): string {
  if (isOk(reply)) return "ok";
  const text = reply.body instanceof Buffer ? reply.body.toString("utf8") : "";
  const code = isJson(service) ? jsonCode(text) : xmlCode(text);
  return code || String(reply.status);
}

function xmlCode(text: string): string {
  const root = parseXml(text);
  const error = elementAt(root, "Errors/Error") ?? elementAt(root, "Error") ?? root;
  return textAt(error, "Code");
}

function jsonCode(text: string): string {
  const [, code = ""] = /"__type"\s*:\s*"(?:[^"]*#)?([^"]*)"/.exec(text) ?? [];
  return code;
}
