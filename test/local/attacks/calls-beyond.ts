import { post, type ForbiddenCall } from "./forbidden-call.ts";
import { presignCall, signCall, type RawCall } from "./signed-call.ts";

/** Correctly signed calls to what doesn't exist or must not be reachable. */
export const callsBeyond: readonly ForbiddenCall[] = [
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
  ].map((url): ForbiddenCall => ({
    name: `${url}, rightly signed`,
    expected: "403",
    call: (own) => signCall(post(url, { host: own.host }), { ...own, service: "s3" }),
  })),
  ...["/_ministack/reset", "/_ministack/health", "/_localstack/health", "/health", "/_ministack/config"].map(
    (url): ForbiddenCall => ({
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
  ...["", "Basic QVdTOm1pbmlzdGFjay1hdXRoLXRva2Vu", "Bearer guessed"].map((authorization): ForbiddenCall => ({
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
