import type { Endpoints } from "../../../lib/aws/clients.ts";
import { presignCall, sendRaw, signCall, type RawAnswer, type RawCall } from "./signed-call.ts";

/** The commands' gateway of an embedded AWS, and what a command knows of it. */
interface GatewayTarget {
  readonly endpoints: Endpoints;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** One thing that somebody without the right to it tries. */
export interface GatewayAttack {
  readonly name: string;
  /** What has to be seen: the status, and the code that the answer names, if any. */
  readonly expected: string;
  readonly attempt: (target: GatewayTarget) => Promise<RawAnswer>;
}

export function describeAnswer({ status, headers, body }: RawAnswer): string {
  const code = /<Code>(\w+)<|"__type": ?"(\w+)"|"code": ?"(\w+)"/
    .exec(body)
    ?.slice(1)
    .find((one) => one !== undefined);
  const open = Object.keys(headers).filter((name) => name.startsWith("access-control-"));
  return [String(status), ...(code === undefined ? [] : [code]), ...open].join(" ");
}

const form = "application/x-www-form-urlencoded; charset=utf-8";
const foreignOrigin = "https://page.example";

interface Own extends GatewayTarget {
  readonly port: number;
  /** The name that the gateway expects. */
  readonly host: string;
}

function ownOf(target: GatewayTarget): Own {
  const { port, host } = new URL(target.endpoints.ec2);
  return { ...target, port: Number(port), host };
}

const post = (url: string, headers: Record<string, string> = {}, body = ""): RawCall => ({
  method: "POST",
  url,
  headers,
  body,
});

/** DeleteVpc, which would show; complete but for what the attack leaves out. */
const query = (host: string, body = "Action=DescribeVpcs&Version=2016-11-15"): RawCall =>
  post("/", { host, "content-type": form }, body);

interface Plain {
  readonly name: string;
  readonly expected: string;
  readonly call: (own: Own) => RawCall | Promise<RawCall>;
}

const fromPages: readonly Plain[] = [
  {
    name: "a page's simple POST empties the emulator",
    expected: "403",
    call: ({ host }) =>
      post("/moto-api/reset", { host, origin: foreignOrigin, "content-type": "text/plain" }),
  },
  {
    name: "a page's form calls an operation",
    expected: "403",
    call: ({ host }) => ({ ...query(host), headers: { ...query(host).headers, origin: foreignOrigin } }),
  },
  {
    name: "a page without an origin of its own",
    expected: "403",
    call: ({ host }) => post("/moto-api/reset", { host, origin: "null", "content-type": "text/plain" }),
  },
  {
    name: "a page asks beforehand whether it may",
    expected: "403",
    call: ({ host }) => ({
      method: "OPTIONS",
      url: "/",
      headers: { host, origin: foreignOrigin, "access-control-request-method": "POST" },
    }),
  },
  {
    name: "a page's call that is even signed rightly",
    expected: "403",
    call: async (own) => {
      const call = await signCall(query(own.host), { ...own, service: "ec2" });
      return { ...call, headers: { ...call.headers, origin: foreignOrigin } };
    },
  },
  {
    name: "a page by a name of its own that leads here",
    expected: "403",
    call: async (own) => signCall(query("page.example"), { ...own, service: "ec2" }),
  },
  {
    name: "a page by another name of this computer",
    expected: "403",
    call: async (own) => signCall(query(`localhost:${own.port}`), { ...own, service: "ec2" }),
  },
];

const unproven: readonly Plain[] = [
  { name: "a call that nobody signed", expected: "403 AccessDenied", call: ({ host }) => query(host) },
  {
    name: "a call signed with the keys of old, which anybody knows",
    expected: "403 AuthFailure",
    call: ({ host }) => {
      const credentials = { accessKeyId: "berth-local", secretAccessKey: "berth-local" };
      return signCall(query(host), { credentials, service: "ec2" });
    },
  },
  {
    name: "a call signed with another secret",
    expected: "403 AuthFailure",
    call: ({ host, credentials }) =>
      signCall(query(host), { credentials: { ...credentials, secretAccessKey: "guessed" }, service: "ec2" }),
  },
  {
    name: "a call signed an hour ago",
    expected: "403 RequestExpired",
    call: (own) => signCall(query(own.host), { ...own, service: "ec2", signedAt: minutesFromNow(-60) }),
  },
  {
    name: "a call signed for an hour from now",
    expected: "403 RequestExpired",
    call: (own) => signCall(query(own.host), { ...own, service: "ec2", signedAt: minutesFromNow(60) }),
  },
  {
    name: "a call that was signed for another host",
    expected: "403 AuthFailure",
    call: async (own) => {
      const call = await signCall(query("ec2.eu-central-1.amazonaws.com"), { ...own, service: "ec2" });
      return { ...call, headers: { ...call.headers, host: own.host } };
    },
  },
  {
    name: "a call whose body was changed after it was signed",
    expected: "403 AuthFailure",
    call: async (own) => {
      const call = await signCall(query(own.host), { ...own, service: "ec2" });
      return { ...call, body: "Action=DescribeAddresses&Version=2016-11-15" };
    },
  },
  {
    name: "a call whose body and its hash were changed after it was signed",
    expected: "403 AuthFailure",
    call: async (own) => {
      const call = await signCall(query(own.host), { ...own, service: "ec2" });
      const other = await signCall(query(own.host, "Action=DescribeAddresses"), { ...own, service: "ec2" });
      const hash = "x-amz-content-sha256";
      return {
        ...call,
        body: other.body ?? "",
        headers: { ...call.headers, [hash]: other.headers[hash] ?? "" },
      };
    },
  },
  {
    name: "a call that was given another target after it was signed",
    expected: "400 IncompleteSignatureException",
    call: async (own) => {
      const call = await signCall(post("/", { host: own.host }, "{}"), { ...own, service: "ecr" });
      const target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories";
      return { ...call, headers: { ...call.headers, "x-amz-target": target } };
    },
  },
  {
    name: "a call whose query was changed after it was signed",
    expected: "403 SignatureDoesNotMatch",
    call: async (own) => {
      const call = await signCall(
        { method: "GET", url: "/bucket", headers: { host: own.host } },
        { ...own, service: "s3" },
      );
      return { ...call, url: "/bucket?policy" };
    },
  },
  {
    name: "an object whose bytes aren't those that were signed",
    expected: "403 XAmzContentSHA256Mismatch",
    call: async (own) => {
      const call = { method: "PUT", url: "/attacked/key", headers: { host: own.host }, body: "signed" };
      return { ...(await signCall(call, { ...own, service: "s3" })), body: "forged" };
    },
  },
  {
    name: "a presigned URL that has had its time",
    expected: "403 RequestTimeTooSkewed",
    call: (own) =>
      presignCall(
        { method: "GET", url: "/attacked/kept", headers: { host: own.host } },
        { ...own, service: "s3", signedAt: minutesFromNow(-5) },
      ),
  },
  {
    name: "a presigned URL for another object",
    expected: "403 SignatureDoesNotMatch",
    call: async (own) => {
      const signed = await presignCall(
        { method: "GET", url: "/attacked/other", headers: { host: own.host } },
        { ...own, service: "s3" },
      );
      return { ...signed, url: signed.url.replace("other", "kept") };
    },
  },
];

const beyond: readonly Plain[] = [
  {
    name: "Lambda is given code to run",
    expected: "403 AccessDenied",
    call: (own) => signCall(createFunction(own.host), { ...own, service: "lambda" }),
  },
  {
    name: "Lambda is given code to run, under ECR's name",
    expected: "400 AccessDeniedException",
    call: (own) => signCall(createFunction(own.host), { ...own, service: "ecr" }),
  },
  {
    name: "Lambda is given code to run, under S3's name",
    expected: "404 NoSuchBucket",
    call: (own) => signCall({ ...createFunction(own.host), method: "PUT" }, { ...own, service: "s3" }),
  },
  {
    name: "Lambda is guessed from a presigned path",
    expected: "403",
    call: (own) =>
      presignCall(
        { method: "PUT", url: "/lambda_us-east-1/2015-03-31/functions", headers: { host: own.host } },
        { ...own, service: "s3" },
      ),
  },
  {
    name: "an operation of ECR that Berth doesn't use",
    expected: "400 AccessDeniedException",
    call: (own) => {
      const target = "AmazonEC2ContainerRegistry_V20150921.SetRepositoryPolicy";
      return signCall(post("/", { host: own.host, "x-amz-target": target }, "{}"), {
        ...own,
        service: "ecr",
      });
    },
  },
  ...[
    "/moto-api/reset",
    "/moto-api/data.json",
    "/%6Doto-api/reset",
    "/moto-api/../moto-api/reset",
    "/latest/meta-data/iam/security-credentials/",
    "/v20180820/accesspoint/x",
  ].map((url): Plain => ({
    name: `${url}, rightly signed`,
    expected: "403",
    call: (own) => signCall(post(url, { host: own.host }), { ...own, service: "s3" }),
  })),
  ...["/_ministack/reset", "/_ministack/health", "/_localstack/health", "/health", "/_ministack/config"].map(
    (url): Plain => ({
      name: `${url}, rightly signed`,
      expected: "400 AccessDeniedException",
      call: (own) => signCall(post(url, { host: own.host }), { ...own, service: "ecr" }),
    }),
  ),
  {
    name: "a control path in a request line that is a whole URL",
    expected: "403",
    call: ({ host }) => post(`http://${host}/moto-api/reset`, { host }),
  },
  {
    name: "a control path with a guessed secret",
    expected: "403",
    call: (own) =>
      signCall(post("/moto-api/reset", { host: own.host, "x-berth-control": "guessed" }), {
        ...own,
        service: "s3",
      }),
  },
  ...["", "Basic QVdTOm1pbmlzdGFjay1hdXRoLXRva2Vu", "Bearer guessed"].map((authorization): Plain => ({
    name: `the registry with the authorization "${authorization}"`,
    expected: "401 UNAUTHORIZED",
    call: ({ host }) => ({
      method: "GET",
      url: "/v2/_catalog",
      headers: { host, ...(authorization === "" ? {} : { authorization }) },
    }),
  })),
  {
    name: "a change of the protocol on the way to the registry",
    expected: "401 UNAUTHORIZED",
    call: ({ host }) => ({
      method: "GET",
      url: "/v2/",
      headers: {
        host,
        connection: "Upgrade, HTTP2-Settings",
        upgrade: "h2c",
        "http2-settings": "AAMAAABkAAQAAP__",
      },
    }),
  },
];

const createFunction = (host: string): RawCall =>
  post(
    "/2015-03-31/functions",
    { host, "content-type": "application/json" },
    JSON.stringify({
      FunctionName: "own",
      Runtime: "python3.11",
      Handler: "a.b",
      Role: "r",
      Code: { ZipFile: "" },
    }),
  );

const minutesFromNow = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);

/** All that was tried on the gateway: each has to be refused, and to leave everything as it was. */
export const gatewayAttacks: readonly GatewayAttack[] = [...fromPages, ...unproven, ...beyond].map(
  ({ name, expected, call }) => ({
    name,
    expected,
    attempt: async (target) => {
      const own = ownOf(target);
      return sendRaw(own.port, await call(own));
    },
  }),
);
