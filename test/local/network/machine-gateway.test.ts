import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CreateRepositoryCommand } from "@aws-sdk/client-ecr";
import { CreateRoleCommand, DeleteRolePolicyCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { createClients, type Clients } from "../../../lib/aws/clients.ts";
import { RoleKeys } from "../../../lib/local/account/role-keys.ts";
import { readRolePolicies } from "../../../lib/local/account/role-policies.ts";
import { openAuthority } from "../../../lib/local/network/certificate-authority.ts";
import { Disposables } from "../../../lib/local/disposables.ts";
import { machineDoor } from "../../../lib/local/account/doors.ts";
import { localAccount } from "../../../lib/local/emulators/emulators.ts";
import { startMachineGateway } from "../../../lib/local/network/gateway.ts";
import { assumeRole } from "../../../lib/local/machines/instances.ts";
import { describeAnswer } from "../attacks/forbidden-call.ts";
import { machineAttacks, sendToMachineGateway } from "../attacks/machine-attacks.ts";
import type { MachineTarget } from "../attacks/machine-calls.ts";
import { signCall, type RawCall } from "../attacks/signed-call.ts";
import { borrowEmulators } from "../borrowed-emulators.ts";

const region = "eu-central-1";
const arn = "arn:aws:s3:::mine";
const s3Host = `s3.${region}.amazonaws.com`;
const registryHost = `${localAccount}.dkr.ecr.${region}.amazonaws.com`;

/** As lib/stack.ts gives it to a host. */
const hostPolicy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: "*" },
    {
      Effect: "Allow",
      Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      Resource: `arn:aws:ecr:${region}:${localAccount}:repository/mine`,
    },
    { Effect: "Allow", Action: ["s3:ListBucket"], Resource: arn },
    { Effect: "Allow", Action: ["s3:GetObject"], Resource: `${arn}/release.json` },
    { Effect: "Allow", Action: ["s3:PutObject"], Resource: `${arn}/hosts/*` },
  ],
});

describe("the machines' gateway", () => {
  const parts = new Disposables();
  let directory: string;
  let clients: Clients;
  let target: MachineTarget;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-machine-gateway-"));
    const aws = parts.use(await borrowEmulators({ logDirectory: directory }));
    clients = createClients({ region, ...aws, maxAttempts: 1 });
    const keys = new RoleKeys();
    const door = machineDoor({
      account: localAccount,
      keys,
      readPolicies: (role) => readRolePolicies(clients.iam, role),
    });
    const authority = await openAuthority(join(directory, "authority"));
    const { backends } = aws;
    const address = "127.0.0.1";
    const { port } = parts.use(await startMachineGateway({ backends, door, authority, address }));

    for (const Bucket of ["mine", "other"]) {
      const CreateBucketConfiguration = { LocationConstraint: region } as const;
      await clients.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
      await clients.s3.send(new PutObjectCommand({ Bucket, Key: "release.json", Body: Bucket }));
    }
    for (const repositoryName of ["mine", "other"])
      await clients.ecr.send(new CreateRepositoryCommand({ repositoryName }));
    const RoleName = "host";
    const { Role } = await clients.iam.send(
      new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: "{}" }),
    );
    await clients.iam.send(
      new PutRolePolicyCommand({ RoleName, PolicyName: "berth", PolicyDocument: hostPolicy }),
    );
    const credentials = await assumeRole(clients, Role?.Arn ?? "", "i-1");
    keys.add(RoleName, credentials);
    const { accessKeyId, secretAccessKey, token: sessionToken } = credentials;
    target = {
      address,
      port,
      authority: authority.certificate,
      role: { accessKeyId, secretAccessKey, sessionToken },
      commands: aws.credentials,
    };
  });
  after(async () => {
    await parts[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const send = async (service: string, call: RawCall) =>
    sendToMachineGateway(target, await signCall(call, { service, region, credentials: target.role }));
  const get = (url: string, host = s3Host) => send("s3", { method: "GET", url, headers: { host } });

  for (const { name, expected, attempt } of machineAttacks) {
    it(`refuses a machine that ${name}`, async () => {
      const answer = await attempt(target);
      assert.equal(describeAnswer(answer), expected, answer.body);
    });
  }

  it("serves what the role may do, whichever way the bucket is named", async () => {
    assert.equal((await get("/mine/release.json")).body, "mine");
    assert.equal((await get("/release.json", `mine.${s3Host}`)).body, "mine");
    assert.equal((await get("/release.json?x-id=GetObject", "mine.s3.amazonaws.com")).body, "mine");
    assert.match((await get("/mine?list-type=2")).body, /<Key>release\.json<\/Key>/);
    const put = { method: "PUT", url: "/mine/hosts/i-1.json", headers: { host: s3Host }, body: "{}" };
    assert.equal((await send("s3", put)).status, 200);
    const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket: "mine", Key: "hosts/i-1.json" }));
    assert.equal(await Body?.transformToString(), "{}");
  });

  it("says who the machine is", async () => {
    const headers = {
      host: `sts.${region}.amazonaws.com`,
      "content-type": "application/x-www-form-urlencoded",
    };
    const call = { method: "POST", url: "/", headers, body: "Action=GetCallerIdentity&Version=2011-06-15" };
    assert.match((await send("sts", call)).body, /assumed-role\/host\/i-1/);
  });

  it("gives a token with which the role's own repository can be pulled from, and no other, and nothing pushed", async () => {
    const password = await askForToken();
    const ask = (method: string, url: string) => {
      const authorization = `Basic ${Buffer.from(`AWS:${password}`).toString("base64")}`;
      return sendToMachineGateway(target, { method, url, headers: { host: registryHost, authorization } });
    };
    const digest = `sha256:${"0".repeat(64)}`;

    assert.equal(describeAnswer(await ask("GET", "/v2/")), "200");
    assert.equal(describeAnswer(await ask("GET", "/v2/mine/manifests/absent")), "404 MANIFEST_UNKNOWN");
    assert.equal(describeAnswer(await ask("GET", `/v2/mine/blobs/${digest}`)), "404 BLOB_UNKNOWN");
    assert.equal(describeAnswer(await ask("GET", "/v2/other/manifests/absent")), "403 DENIED");
    assert.equal(describeAnswer(await ask("GET", `/v2/mine/../other/blobs/${digest}`)), "403 DENIED");
    assert.equal(describeAnswer(await ask("GET", "/v2/_catalog")), "403 DENIED");
    assert.equal(describeAnswer(await ask("POST", "/v2/mine/blobs/uploads/")), "403 DENIED");
    assert.equal(describeAnswer(await ask("PUT", "/v2/mine/manifests/latest")), "403 DENIED");
    assert.equal(describeAnswer(await ask("DELETE", `/v2/mine/manifests/${digest}`)), "403 DENIED");
  });

  it("goes by the policies as they stand", async () => {
    const [RoleName, PolicyName] = ["host", "deny"];
    const Statement = [{ Effect: "Deny", Action: "s3:*", Resource: "*" }];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await clients.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    assert.equal(describeAnswer(await get("/mine/release.json")), "403 AccessDenied");

    await clients.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    assert.equal((await get("/mine/release.json")).body, "mine");
  });

  /** The password in ECR's token, as an engine on a machine gets it. */
  async function askForToken(): Promise<string> {
    const answer = await send("ecr", {
      method: "POST",
      url: "/",
      headers: {
        host: `api.ecr.${region}.amazonaws.com`,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
      },
      body: "{}",
    });
    const given: { authorizationData: { authorizationToken: string }[] } = JSON.parse(answer.body);
    const token = given.authorizationData[0]?.authorizationToken ?? "";
    return Buffer.from(token, "base64").toString("utf8").replace(/^AWS:/, "");
  }
});
