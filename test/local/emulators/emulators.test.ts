import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { DeregisterImageCommand, DescribeImagesCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { AttachRolePolicyCommand, CreateRoleCommand, GetPolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { createClients } from "../../../lib/aws/clients.ts";
import { ecrOperations } from "../../../lib/local/account/doors.ts";
import { fromRoot } from "../../../lib/paths.ts";
import { until } from "../temporary-aws.ts";
import { localAccount, startEmulators, type Emulators } from "../../../lib/local/emulators/emulators.ts";

describe("emulators", () => {
  let logDirectory: string;
  let emulators: Emulators;
  const clients = (region: string) => createClients({ region, ...emulators, maxAttempts: 1 });

  before(async () => {
    logDirectory = await mkdtemp(join(tmpdir(), "berth-emulators-"));
    emulators = await startEmulators({ logDirectory });
  });
  after(async () => {
    await emulators?.[Symbol.asyncDispose]();
    await rm(logDirectory, { recursive: true, force: true });
  });

  for (const region of ["us-east-1", "eu-central-1", "ap-southeast-2"]) {
    for (const [architecture, named] of [
      ["amd64", "x86_64"],
      ["arm64", "arm64"],
    ]) {
      it(`resolves Debian 13 for ${architecture} in ${region} to an image of Debian's that runs`, async () => {
        const { ssm, ec2 } = clients(region);
        const { Parameter } = await ssm.send(
          new GetParameterCommand({ Name: `/aws/service/debian/release/13/latest/${architecture}` }),
        );
        const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [Parameter?.Value ?? ""] }));
        assert.equal(Images?.[0]?.OwnerId, "136693071363");
        assert.equal(Images[0].RootDeviceName, "/dev/xvda");
        assert.equal(Images[0].Architecture, named);

        const started = await ec2.send(
          new RunInstancesCommand({
            ImageId: Parameter?.Value,
            InstanceType: "t3.micro",
            MinCount: 1,
            MaxCount: 1,
          }),
        );
        assert.equal(started.Instances?.[0]?.ImageId, Parameter?.Value);
      });
    }
  }

  it("still resolves Amazon Linux 2023", async () => {
    const { ssm } = clients("eu-central-1");
    const Name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
    assert.match(Parameter?.Value ?? "", /^ami-/);
  });

  it("answers for one account in both emulators", async () => {
    const { sts, ecr } = clients("eu-central-1");
    const caller = await sts.send(new GetCallerIdentityCommand({}));
    const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: "berth/one" }));
    assert.equal(caller.Account, localAccount);
    assert.equal(repository?.registryId, localAccount);
  });

  it("is empty after a reset, and knows Debian still", async () => {
    const { s3, ecr, ssm } = clients("us-east-1");
    await s3.send(new CreateBucketCommand({ Bucket: "berth-reset" }));
    await ecr.send(new CreateRepositoryCommand({ repositoryName: "berth/reset" }));
    await emulators.reset();
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    const { repositories } = await ecr.send(new DescribeRepositoriesCommand({}));
    const Name = "/aws/service/debian/release/13/latest/amd64";
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
    assert.deepEqual(Buckets ?? [], []);
    assert.deepEqual(repositories, []);
    assert.match(Parameter?.Value ?? "", /^ami-/);
  });

  it("has AWS's own policies and images after a reset as at the start, with no trace of who used them", async () => {
    const { iam, ec2 } = clients("us-east-1");
    const policy = { PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" };
    const look = async () => {
      const [{ Policy }, { Images = [] }] = await Promise.all([
        iam.send(new GetPolicyCommand(policy)),
        ec2.send(new DescribeImagesCommand({})),
      ]);
      return [Policy?.AttachmentCount, Images.map(({ ImageId = "" }) => ImageId).toSorted()];
    };
    await emulators.reset();
    const fresh = await look();
    await iam.send(new CreateRoleCommand({ RoleName: "user", AssumeRolePolicyDocument: "{}" }));
    await iam.send(new AttachRolePolicyCommand({ ...policy, RoleName: "user" }));
    const { Images: [image] = [] } = await ec2.send(new DescribeImagesCommand({}));
    await ec2.send(new DeregisterImageCommand({ ImageId: image?.ImageId }));
    const [attachments, images] = await look();

    await emulators.reset();

    assert.equal(attachments, 1);
    assert.notDeepEqual(images, fresh[1]);
    assert.deepEqual(await look(), fresh);
  });

  for (const [name, backend, path, headers] of [
    ["moto's Lambda", "moto", "/2015-03-31/functions", signedFor("lambda")],
    ["moto's Lambda by the path", "moto", "/lambda_us-east-1/2015-03-31/functions", {}],
    ["moto's unsigned calls", "moto", "/?Action=AssumeRoleWithSAML", {}],
    ["moto's reset", "moto", "/moto-api/reset", signedFor("s3")],
    ["moto's dump", "moto", "/moto-api/data.json", signedFor("s3")],
    ["moto's metadata of an instance", "moto", "/latest/meta-data/iam/", signedFor("s3")],
    ["ministack's Lambda", "ecr", "/2015-03-31/functions", signedFor("lambda")],
    ["ministack's Lambda by a host's name", "ecr", "/", { host: "x.lambda-url.us-east-1.on.aws" }],
    [
      "ministack's other targets",
      "ecr",
      "/",
      { ...signedFor("ecr"), "x-amz-target": "AWSLambda.CreateFunction" },
    ],
    ["ministack's reset", "ecr", "/_ministack/reset", signedFor("ecr")],
    ["ministack's configuration", "ecr", "/_ministack/config", signedFor("ecr")],
    ["ministack's mail", "ecr", "/v2/email/identities", signedFor("ses")],
    ["ministack's gateways", "ecr", "/v2/apis", signedFor("apigateway")],
  ] as const) {
    it(`don't answer for ${name}, not even at their own sockets`, async () => {
      const sent = request({
        socketPath: emulators.backends[backend],
        method: "POST",
        path,
        headers,
        agent: false,
      });
      sent.end();
      const [response]: IncomingMessage[] = await once(sent, "response");
      assert.equal(response?.statusCode, 403);
      response.resume();
    });
  }

  it("have every operation of ECR that Berth calls", async () => {
    const folders = ["lib/resources", "lib/aws", "lib/local"].map((name) => fromRoot(name));
    const files = await Promise.all(folders.map((folder) => listSources(folder)));
    const sources = await Promise.all(files.flat().map((file) => readFile(file, "utf8")));
    const imports = sources.flatMap((source) => [
      ...source.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-ecr"/g),
    ]);
    const called = imports.flatMap(([, names = ""]) =>
      [...names.matchAll(/(\w+)Command\b/g)].map(([, name = ""]) => name),
    );

    assert.ok(called.length > 5);
    assert.deepEqual(
      called.filter((name) => !ecrOperations.has(name)),
      [],
    );
  });

  it("keeps its logs", async () => {
    assert.match(await readFile(join(logDirectory, "moto.log"), "utf8"), /POST/);
  });
});

describe("emulators of a process that is killed", () => {
  it("end with it", async () => {
    const logDirectory = await mkdtemp(join(tmpdir(), "berth-emulators-"));
    const starter = fromRoot("test/local/emulators/emulators-starter.ts");
    const child = spawn(process.execPath, ["--import", "tsx", starter, logDirectory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const lines = createInterface({ input: child.stdout });
      const line = await firstOf(lines);
      assert.ok(existsSync(line));
      child.kill("SIGKILL");
      await once(child, "exit");
      // The emulator takes its socket away when it ends.
      await until(() => !existsSync(line));
    } finally {
      child.kill("SIGKILL");
      await rm(logDirectory, { recursive: true, force: true });
    }
  });
});

/** Signed by nobody: at their own sockets emulators believe what a call says of itself. */
function signedFor(service: string): Record<string, string> {
  const scope = `somebody/20260102/eu-central-1/${service}/aws4_request`;
  return { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` };
}

async function listSources(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join(folder, name));
}

async function firstOf(lines: Interface): Promise<string> {
  for await (const line of lines) return line;
  throw new Error("The process ended without a line");
}
