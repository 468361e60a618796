import { request } from "node:http";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { createClients, endpointsAt } from "../../lib/aws/clients.ts";
import { region } from "../commands/stack.ts";
import type { Attack } from "./attack.ts";
import { askControlSocket, readFiles, takePlace } from "./control-socket.ts";
import { listListeners } from "./sockets.ts";
import type { Target } from "./target.ts";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const form = { "content-type": "application/x-www-form-urlencoded" };
const nobody = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=nobody/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
const runInstances: Request = {
  method: "POST",
  path: "/",
  headers: { ...form, authorization: nobody("ec2") },
  body: "Action=RunInstances&Version=2016-11-15&ImageId=ami-12345678&MinCount=1&MaxCount=1&DryRun=true",
};

/** What somebody without credentials may want of the ports on loopback. */
const requests: Record<string, Request> = {
  RunInstances: runInstances,
  "RunInstances without a signature": { ...runInstances, headers: form },
  "the list of buckets": { method: "GET", path: "/", headers: { authorization: nobody("s3") } },
  "credentials of a role": {
    method: "POST",
    path: "/",
    headers: { ...form, authorization: nobody("sts") },
    body: "Action=AssumeRole&Version=2011-06-15&RoleSessionName=x&RoleArn=arn:aws:iam::123456789012:role/x",
  },
  "all that the emulator holds": { method: "GET", path: "/moto-api/data.json" },
  "its page": { method: "GET", path: "/moto-api/" },
  "its seed": { method: "POST", path: "/moto-api/seed?a=42" },
  "functions that run code": { method: "GET", path: "/2015-03-31/functions/" },
  "the other emulator's health": { method: "GET", path: "/_ministack/health" },
  "the registry's repositories": { method: "GET", path: "/v2/_catalog" },
};

interface Asked extends Request {
  readonly port: number;
}

interface Answer {
  readonly status: number;
  readonly allowsOrigin: boolean;
}

/** One request as a browser sends it, headers of the page's own included. Undefined when the door was shut, status 0 when it was open and nothing came. */
function ask({ port, method, path, headers = {}, body = "" }: Asked): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false, timeout: 60_000 });
    sent.on("response", (response) => {
      const allowsOrigin = response.headers["access-control-allow-origin"] !== undefined;
      response.resume();
      resolve({ status: response.statusCode ?? 0, allowsOrigin });
    });
    sent.on("timeout", () => resolve({ status: 0, allowsOrigin: false }));
    sent.on("error", () => resolve(undefined));
    sent.end(body);
  });
}

const shut = new Set([400, 401, 403, 404, 405, 421]);

/** The ports of gateway and emulators: whoever is on this computer finds them by trying all. */
async function portsOf({ supervisor }: Target): Promise<number[]> {
  const listeners = await listListeners(supervisor);
  const ports = listeners.filter(({ address }) => address === "127.0.0.1").map(({ port }) => port);
  if (ports.length === 0) throw new Error("nothing of the embedded AWS listens on 127.0.0.1");
  return ports;
}

export async function askAll(target: Target, asked: Request): Promise<string> {
  const ports = await portsOf(target);
  const answers = await Promise.all(ports.map((port) => ask({ ...asked, port })));
  if (answers.some((answer) => answer?.allowsOrigin)) return "answered, and a page may read it";
  const open = answers.flatMap((answer) =>
    answer === undefined || shut.has(answer.status) ? [] : [answer.status],
  );
  return open.length === 0 ? "refused" : `answered ${open.join(", ")}`;
}

/** The same, sent by a process of another user. */
export async function askAsOther(
  target: Target,
  { method, path, headers = {}, body = "" }: Request,
): Promise<string> {
  const ports = await portsOf(target);
  const sent = { method, path, headers, body, ports };
  const statuses = await target.otherUser.run(`
import http.client, json
sent = json.loads(${JSON.stringify(JSON.stringify(sent))})
for port in sent["ports"]:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(sent["method"], sent["path"], sent["body"], sent["headers"])
        print(connection.getresponse().status)
    except TimeoutError:
        print("no answer in time")
    except (OSError, http.client.HTTPException):
        pass
`);
  const open = statuses.split("\n").filter((status) => status !== "" && !shut.has(Number(status)));
  return open.length === 0 ? "refused" : `answered ${open.join(", ")}`;
}

export const page = { origin: "https://page.example" };
const preflight: Request = {
  method: "OPTIONS",
  path: "/",
  headers: {
    ...page,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  },
};

const fromPage = (name: string, sent: Request, expected = "refused"): Attack => ({
  from: "web-page",
  name: `embedded AWS: ${name}`,
  expected,
  attempt: (target) => askAll(target, { ...sent, headers: { ...sent.headers, ...page } }),
});

const fromOther = (name: string, attempt: Attack["attempt"], expected = "refused"): Attack => ({
  from: "other-user",
  name: `embedded AWS: ${name}`,
  expected,
  attempt,
});

/** A name of the page's own that leads to 127.0.0.1: to a browser, what answers there is the page's. */
const rebound: Attack = {
  from: "web-page",
  name: "embedded AWS: under the page's own name",
  expected: "refused",
  attempt: (target) =>
    askAll(target, {
      method: "GET",
      path: "/",
      headers: { host: "page.example", authorization: nobody("s3") },
    }),
};

/** The pair of names that stands in Berth's source. */
async function signAsKnown({ clients }: Target): Promise<string> {
  const endpoint = await clients.ec2.config.endpoint?.();
  const url = `http://${endpoint?.hostname}:${endpoint?.port}`;
  const credentials = { accessKeyId: "berth-local", secretAccessKey: "berth-local" };
  const endpoints = endpointsAt(url, "none");
  const { ec2 } = createClients({ region, endpoints, credentials, maxAttempts: 1 });
  try {
    await ec2.send(new DescribeInstancesCommand({}));
    return "answered";
  } catch (error) {
    return error instanceof Error && /Auth|Denied|Signature|Token/.test(error.name)
      ? "refused"
      : String(error);
  }
}

export const localAws: readonly Attack[] = [
  ...Object.entries(requests).flatMap(([name, sent]) => [
    fromOther(name, (target) => askAsOther(target, sent)),
    fromPage(name, sent),
  ]),
  fromPage("leave to send what it likes", preflight),
  rebound,
  fromOther("credentials that stand in the source", signAsKnown),
  fromOther("its control socket", askControlSocket),
  fromOther("the place of its control socket", takePlace, "nobody came"),
  fromOther("files of Berth's home", readFiles, "for the owner only"),
];
