import type { RawCall, Signing } from "./signed-call.ts";

/** The machines' gateway, and the credentials of a machine's role, which root on the machine has. */
export interface MachineTarget {
  readonly address: string;
  readonly port: number;
  /** The authority that machines trust, PEM. */
  readonly authority: string;
  readonly role: Signing["credentials"];
  /** The commands' credentials, in case a machine obtains them. */
  readonly commands: Signing["credentials"];
}

export const region = "eu-central-1";
export const s3Host = `s3.${region}.amazonaws.com`;
const ecr = `api.ecr.${region}.amazonaws.com`;
const registry = `123456789012.dkr.ecr.${region}.amazonaws.com`;
const form = "application/x-www-form-urlencoded; charset=utf-8";

interface MachineCall {
  readonly name: string;
  readonly expected: string;
  readonly host: string;
  readonly service: string;
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly key?: (target: MachineTarget) => Signing["credentials"];
}

const query = (
  service: string,
  action: string,
): Pick<MachineCall, "host" | "service" | "method" | "headers" | "body"> => ({
  host: service === "iam" ? "iam.amazonaws.com" : `${service}.${region}.amazonaws.com`,
  service,
  method: "POST",
  headers: { "content-type": form },
  body: `Action=${action}&Version=2016-11-15`,
});

const toEcr = (
  operation: string,
  body: object,
): Pick<MachineCall, "host" | "service" | "method" | "headers" | "body"> => ({
  host: ecr,
  service: "ecr",
  method: "POST",
  headers: {
    "x-amz-target": `AmazonEC2ContainerRegistry_V20150921.${operation}`,
    "content-type": "application/x-amz-json-1.1",
  },
  body: JSON.stringify(body),
});

const toS3 = (method: string, url: string): Pick<MachineCall, "host" | "service" | "method" | "url"> => ({
  host: s3Host,
  service: "s3",
  method,
  url,
});

/**
 * Each call uses the role's own credentials, unless it says otherwise. The role may read `mine/release.json` and write
 * `mine/hosts/*`.
 */
export const machineCalls: readonly MachineCall[] = [
  { name: "starts an instance", expected: "403 UnauthorizedOperation", ...query("ec2", "RunInstances") },
  { name: "looks at instances", expected: "403 UnauthorizedOperation", ...query("ec2", "DescribeInstances") },
  { name: "gives its role a policy", expected: "403 AccessDenied", ...query("iam", "PutRolePolicy") },
  { name: "lists roles", expected: "403 AccessDenied", ...query("iam", "ListRoles") },
  { name: "assumes a role", expected: "403 AccessDenied", ...query("sts", "AssumeRole") },
  {
    name: "asks who it is, and for a role in the same call",
    expected: "403 AccessDenied",
    ...query("sts", "GetCallerIdentity&Action=AssumeRole"),
  },
  {
    name: "assumes a role in a form within what reads as a question who it is",
    expected: "403 AccessDenied",
    ...query("sts", ""),
    headers: { "content-type": "multipart/form-data; boundary=b" },
    body: [
      ...["Action=AssumeRole", "RoleArn=arn:aws:iam::123456789012:role/host", "RoleSessionName=longer"]
        .map((field) => field.split("="))
        .map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}`),
      '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n&Action=GetCallerIdentity&\r\n--b--\r\n',
    ].join("\r\n"),
  },
  {
    name: "reads a parameter",
    expected: "400 AccessDeniedException",
    host: `ssm.${region}.amazonaws.com`,
    service: "ssm",
    method: "POST",
    headers: { "x-amz-target": "AmazonSSM.GetParameter" },
    body: "{}",
  },
  {
    name: "reads an object of another stack",
    expected: "403 AccessDenied",
    ...toS3("GET", "/other/release.json"),
  },
  {
    name: "reads another object of its bucket",
    expected: "403 AccessDenied",
    ...toS3("GET", "/mine/state.json"),
  },
  {
    name: "writes what it may only read",
    expected: "403 AccessDenied",
    ...toS3("PUT", "/mine/release.json"),
  },
  {
    name: "deletes what it may only write",
    expected: "403 AccessDenied",
    ...toS3("DELETE", "/mine/hosts/i-1.json"),
  },
  { name: "reads the bucket's policy", expected: "403 AccessDenied", ...toS3("GET", "/mine?policy") },
  { name: "deletes the bucket", expected: "403 AccessDenied", ...toS3("DELETE", "/mine") },
  { name: "lists all buckets", expected: "403 AccessDenied", ...toS3("GET", "/") },
  {
    name: "reads by a path that goes up",
    expected: "403 AccessDenied",
    ...toS3("GET", "/mine/hosts/../state.json"),
  },
  {
    name: "reads by a path that goes up, encoded",
    expected: "403 AccessDenied",
    ...toS3("GET", "/mine/hosts/%2e%2e/state.json"),
  },
  {
    name: "reads by a path with an encoded slash",
    expected: "403 AccessDenied",
    ...toS3("GET", "/mine/hosts%2f..%2fstate.json"),
  },
  {
    name: "writes by a path with an encoded slash, encoded once more",
    expected: "403 AccessDenied",
    ...toS3("PUT", "/mine/hosts/%252e%252e%252fstate.json"),
  },
  {
    name: "reads an old version",
    expected: "403 AccessDenied",
    ...toS3("GET", "/mine/release.json?versionId=1"),
  },
  {
    name: "copies from another stack",
    expected: "403 AccessDenied",
    ...toS3("PUT", "/mine/hosts/i-1.json"),
    headers: { "x-amz-copy-source": "/other/release.json" },
  },
  {
    name: "opens its report to all",
    expected: "403 AccessDenied",
    ...toS3("PUT", "/mine/hosts/i-1.json"),
    headers: { "x-amz-acl": "public-read" },
  },
  {
    name: "names another bucket by the host",
    expected: "403 AccessDenied",
    ...toS3("GET", "/release.json"),
    host: `other.${s3Host}`,
  },
  { name: "empties the emulator", expected: "403 AccessDenied", ...toS3("POST", "/moto-api/reset") },
  {
    name: "empties the emulator by a bucket's name",
    expected: "403 AccessDenied",
    ...toS3("GET", "/reset"),
    host: `moto-api.${s3Host}`,
  },
  {
    name: "signs for S3 and calls EC2",
    expected: "403 AccessDenied",
    ...query("ec2", "DescribeInstances"),
    service: "s3",
  },
  {
    name: "creates a repository",
    expected: "400 AccessDeniedException",
    ...toEcr("CreateRepository", { repositoryName: "own" }),
  },
  {
    name: "reads an image of another stack",
    expected: "400 AccessDeniedException",
    ...toEcr("BatchGetImage", { repositoryName: "other", imageIds: [] }),
  },
  {
    name: "overwrites its own image",
    expected: "400 AccessDeniedException",
    ...toEcr("PutImage", { repositoryName: "mine", imageManifest: "{}" }),
  },
  {
    name: "uses the commands' credentials",
    expected: "403 InvalidAccessKeyId",
    ...toS3("GET", "/mine/release.json"),
    key: ({ commands }) => commands,
  },
  {
    name: "leaves the session's token out",
    expected: "403 InvalidToken",
    ...toS3("GET", "/mine/release.json"),
    key: ({ role: { accessKeyId, secretAccessKey } }) => ({ accessKeyId, secretAccessKey }),
  },
  {
    name: "asks under a name that isn't AWS's",
    expected: "403",
    ...toS3("GET", "/mine/release.json"),
    host: "page.example",
  },
];

export const unsignedCalls: readonly (Pick<MachineCall, "name" | "expected"> & { readonly call: RawCall })[] =
  [
    {
      name: "signs nothing",
      expected: "403 AccessDenied",
      call: { method: "GET", url: "/mine/release.json", headers: { host: s3Host } },
    },
    {
      name: "pulls without a token",
      expected: "401 UNAUTHORIZED",
      call: { method: "GET", url: "/v2/mine/manifests/latest", headers: { host: registry } },
    },
  ];
