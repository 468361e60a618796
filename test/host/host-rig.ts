import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand } from "@aws-sdk/client-ecr";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Clients } from "../../lib/aws/clients.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import type { ArchivedFile } from "../../lib/host/archive.ts";
import { packAgent } from "../../lib/host/bundle.ts";
import { hostFiles } from "../../lib/host/host-files.ts";
import { userData } from "../../lib/host/user-data.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { keyOf, webAuthorityFile } from "../../lib/local/control/messages.ts";
import { httpsKey } from "../../lib/release/https.ts";
import { releaseKey } from "../../lib/release/document.ts";
import { hostReportKey, parseHostReport, type HostReport } from "../../lib/release/reports.ts";
import { edgeFields, type Release } from "../../lib/release/schema.ts";
import { agentKey, bundleKey } from "../../lib/resources/delivery/agent.ts";
import { buildAndPush } from "../docker/build-and-push.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { openTemporaryAws, until, webPermission } from "../local/temporary-aws.ts";

const region = "eu-central-1";
const repository = "berth/host";
const settings = { stack: "host", region, bucket: "berth-host-state", account: localAccount };

/** An instance in an embedded AWS, started with Berth's user data, and its bucket. */
export interface HostRig extends AsyncDisposable {
  readonly id: string;
  readonly url: string;
  readonly clients: Clients;
  /** The name of its bucket. */
  readonly bucket: string;
  /** The container of the certificate authority. */
  readonly authorityName: string;
  /** Builds a folder, pushes the image, and returns its name with digest, as a release has it. */
  push(folder: string): Promise<string>;
  /** Publishes a desired release and returns the report with the host's decision on it. */
  release(number: number, image: string, changes?: Partial<Release>): Promise<HostReport>;
  /** Publishes an agent of these files and returns its hash. */
  publish(files: readonly ArchivedFile[]): Promise<string>;
  report(): Promise<HostReport | undefined>;
  /** Tells the host to have HTTPS for its address, and returns its report once it has a certificate. */
  secure(): Promise<HostReport>;
  /** The embedded AWS's certificate authority, as PEM. */
  authority(): Promise<string>;
  run(script: string): Promise<string>;
}

export async function openHostRig(): Promise<HostRig> {
  const docker = await connectDocker();
  const temporary = await openTemporaryAws();
  try {
    const clients = temporary.clients(region);
    const { s3 } = clients;
    const { bucket: Bucket } = settings;
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
    );
    await clients.ecr.send(new CreateRepositoryCommand({ repositoryName: repository }));
    await publish(clients, hostFiles());
    const { id, address } = await runHost(clients);
    const read = async (): Promise<HostReport | undefined> => {
      const body = await readText(clients, hostReportKey(id));
      return body === undefined ? undefined : parseHostReport(body, id).report;
    };
    return {
      id,
      url: `http://${address}/`,
      clients,
      bucket: Bucket,
      authorityName: `berth-local-${keyOf(temporary.directory)}-authority`,
      push: async (folder) => {
        const { registry } = temporary.aws.endpoints;
        const digest = await buildAndPush({ docker, ecr: clients.ecr, folder, registry, repository });
        return `${localAccount}.dkr.ecr.${region}.amazonaws.com/${repository}@${digest}`;
      },
      release: async (number, image, changes) => {
        const Body = JSON.stringify({ ...releaseOf(number, image), ...changes });
        await s3.send(new PutObjectCommand({ Bucket, Key: releaseKey, Body }));
        return decided(read, number);
      },
      publish: (files) => publish(clients, files),
      report: read,
      secure: async () => {
        const directory = "https://acme-v02.api.letsencrypt.org/directory";
        const told = { isOn: true, address, names: [], directory, hstsSeconds: 0, at: "now", by: "somebody" };
        await s3.send(new PutObjectCommand({ Bucket, Key: httpsKey, Body: JSON.stringify(told) }));
        let report: HostReport | undefined;
        await until(async () => (report = await read())?.https?.certificate !== undefined);
        return report ?? Promise.reject(new Error("The host wrote no report"));
      },
      authority: () => readFile(join(temporary.directory, webAuthorityFile), "utf8"),
      run: (script) => runInMachine(docker, id, script),
      [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
    };
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

async function publish({ s3 }: Clients, files: readonly ArchivedFile[]): Promise<string> {
  const { content, sha256 } = packAgent([...files]);
  const { bucket: Bucket } = settings;
  await s3.send(new PutObjectCommand({ Bucket, Key: bundleKey(sha256), Body: content }));
  const Body = JSON.stringify({ sha256, at: new Date().toISOString(), by: "somebody" });
  await s3.send(new PutObjectCommand({ Bucket, Key: agentKey, Body }));
  return sha256;
}

/** The settings of the edge of a release that names none. */
export const edgeDefaults = z.object(edgeFields).parse({});

function releaseOf(number: number, image: string): Release {
  const [at, by] = [new Date().toISOString(), `arn:aws:iam::${localAccount}:user/somebody`];
  const app = { port: 8080, replicas: 2, environment: {}, memoryMib: 64, startSeconds: 60 };
  return {
    number,
    image,
    ...app,
    writable: false,
    tmpMib: 64,
    stopSeconds: 10,
    rollbackWhenWorse: false,
    volumes: {},
    secrets: {},
    edge: edgeDefaults,
    at,
    by,
  };
}

async function decided(read: () => Promise<HostReport | undefined>, number: number): Promise<HostReport> {
  let report: HostReport | undefined;
  await until(async () => {
    report = await read();
    return report?.release === number && report.status !== "starting";
  });
  if (report === undefined) throw new Error("The host wrote no report");
  return report;
}

async function readText({ s3 }: Clients, Key: string): Promise<string | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: settings.bucket, Key }));
    return await Body?.transformToString();
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchKey") return undefined;
    throw error;
  }
}

const hostActions = [
  "ecr:*",
  "s3:*Object",
  "s3:ListBucket",
  "ssm:GetParameter",
  "secretsmanager:GetSecretValue",
] as const;

async function runHost(clients: Clients): Promise<{ id: string; address: string }> {
  const { ec2, iam, ssm } = clients;
  const [RoleName, InstanceProfileName] = ["host", "host"];
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: "{}" }));
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: [...hostActions], Resource: "*" }],
  });
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "host", PolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
  const { GroupId = "" } = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName: "host", Description: "host" }),
  );
  const web = webPermission("0.0.0.0/0");
  const IpPermissions = [web, { ...web, FromPort: 443, ToPort: 443 }];
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  const { Parameter } = await ssm.send(
    new GetParameterCommand({ Name: "/aws/service/debian/release/13/latest/amd64" }),
  );
  const { Instances } = await ec2.send(
    new RunInstancesCommand({
      ImageId: Parameter?.Value,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
      SecurityGroupIds: [GroupId],
      UserData: Buffer.from(userData(settings)).toString("base64"),
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
      IamInstanceProfile: { Name: InstanceProfileName },
    }),
  );
  const id = Instances?.[0]?.InstanceId ?? "";
  const { AllocationId = "", PublicIp = "" } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
  await ec2.send(new AssociateAddressCommand({ AllocationId, InstanceId: id }));
  return { id, address: PublicIp };
}
