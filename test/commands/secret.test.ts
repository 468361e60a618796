import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeParametersCommand, GetParameterCommand, PutParameterCommand } from "@aws-sdk/client-ssm";
import { GetRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { openCli, type Cli, type Ended } from "../strict-aws/cli.ts";
import { startStrictAws, type StrictAws } from "../strict-aws/strict-aws.ts";

const value = "hunter2-Kp93Vd";
const later = "sw0rdfish-Tq28";

describe("secrets of an app", () => {
  let directory: string;
  let aws: StrictAws;
  let cli: Cli;
  const said: string[] = [];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-secret-"));
    aws = await startStrictAws({ logDirectory: directory, ecr: true });
    cli = await openCli({ aws, directory, stack: "secretive" });
    const app = {
      source: join(directory, "app"),
      secrets: { DATABASE_URL: "ssm:/secretive/url", SHARED: "ssm:/shared" },
    };
    await cli.configure({ app });
  });
  after(async () => {
    await cli?.[Symbol.asyncDispose]();
    await aws?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const clients = () =>
    createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
  const done = (ended: Ended, exitCode: number): Ended => {
    said.push(ended.stderr, JSON.stringify(ended.events));
    assert.equal(ended.exitCode, exitCode, ended.stderr + JSON.stringify(ended.events));
    return ended;
  };
  const run = async (exitCode: number, ...[command, ...more]: Parameters<Cli["run"]>) =>
    done(await cli.run(command, ...more), exitCode);
  const set = async (input: string, exitCode: number, ...names: string[]) =>
    done(await cli.pipe(input, "secret", "set", ...names), exitCode);
  const errorOf = ({ events }: Ended) => events.find(({ event }) => event === "error");

  it("that isn't there stops plan and up, and the hint says what to run", async () => {
    const { ssm } = clients();
    await ssm.send(new PutParameterCommand({ Name: "/shared", Value: "of another", Type: "SecureString" }));
    const told = errorOf(await run(3, "plan"));
    assert.equal(told?.["code"], "SecretMissing");
    assert.match(
      String(told?.["hint"]),
      /^give it its value: printf %s "\$VALUE" \| .*secret set DATABASE_URL$/,
    );
  });

  it("is set from standard input, before the first up and after it", async () => {
    const { ssm } = clients();
    const { events } = await set(value, 0, "DATABASE_URL");
    assert.deepEqual(
      events.find(({ event }) => event === "secret"),
      { event: "secret", variable: "DATABASE_URL", source: "ssm:/secretive/url", version: 1 },
    );
    await run(0, "up", "--yes");
    await set(`${later}\n`, 0, "DATABASE_URL");
    const found = await ssm.send(new GetParameterCommand({ Name: "/secretive/url", WithDecryption: true }));
    assert.deepEqual([found.Parameter?.Value, found.Parameter?.Version], [later, 2]);
  });

  for (const [names, input, code, text] of [
    [[], "x", "BadArguments", /it isn't said which secret; app\.secrets has: DATABASE_URL, SHARED/],
    [["NONE"], "x", "BadArguments", /app\.secrets has no NONE, only: DATABASE_URL, SHARED/],
    [["DATABASE_URL", "value"], "", "BadArguments", /unexpected argument "value"/],
    [["DATABASE_URL"], "", "NoSecretValue", /read from standard input, and it is empty/],
    [["DATABASE_URL"], "a\0b", "NoSecretValue", /it holds a NUL/],
    [
      ["DATABASE_URL"],
      "x".repeat(4097),
      "NoSecretValue",
      /it is 4097 bytes long, and SSM takes at most 4096/,
    ],
  ] as const)
    it(`is refused for ${JSON.stringify(names)} and ${input.length} characters`, async () => {
      const told = errorOf(await set(input, 3, ...names));
      assert.equal(told?.["code"], code);
      assert.match(String(told?.["message"]), text);
    });

  it("whose value changed is a difference that says so, and up makes a release of it", async () => {
    const { events } = await run(2, "plan");
    const text = JSON.stringify(events.find(({ event }) => event === "plan"));
    assert.match(text, /"field":"secrets\.DATABASE_URL"/);
    assert.match(text, /"desired":"ssm:\/secretive\/url:2","observed":"ssm:\/secretive\/url:1"/);
    assert.match(text, /the secret's value changed/);
    await run(0, "up", "--yes");
    await run(0, "plan");
  });

  it("may be read by the host's role, and nothing else may", async () => {
    const name = { RoleName: "berth-secretive-eu-central-1", PolicyName: "berth" };
    const { PolicyDocument = "" } = await clients().iam.send(new GetRolePolicyCommand(name));
    const text = PolicyDocument.startsWith("%") ? decodeURIComponent(PolicyDocument) : PolicyDocument;
    const { Statement }: { Statement: { Action: string[] }[] } = JSON.parse(text);
    const arns = [
      "arn:aws:ssm:eu-central-1:123456789012:parameter/secretive/url",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/shared",
    ];
    assert.deepEqual(
      Statement.filter(({ Action }) => Action.some((action) => /^(ssm|secretsmanager|kms):/.test(action))),
      [
        { Effect: "Allow", Action: ["ssm:GetParameter"], Resource: arns },
        {
          Effect: "Allow",
          Action: ["kms:Decrypt"],
          Resource: "arn:aws:kms:eu-central-1:123456789012:key/*",
          Condition: {
            StringEquals: { "kms:ViaService": "ssm.eu-central-1.amazonaws.com" },
            StringLike: { "kms:EncryptionContext:PARAMETER_ARN": arns },
          },
        },
      ],
    );
  });

  it("are in nothing that Berth wrote or said", async () => {
    const bucket = "berth-secretive-123456789012-eu-central-1";
    const { s3 } = clients();
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    assert.ok(Versions.length > 3);
    const objects = await Promise.all(
      Versions.map(async ({ Key, VersionId }) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }));
        return (await Body?.transformToString()) ?? "";
      }),
    );
    const home = cli.environment["BERTH_HOME"] ?? ".berth";
    const local = await readdir(home, { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      local
        .filter((entry) => entry.isFile() && entry.name.includes("secretive"))
        .map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")),
    );
    for (const text of [...objects, ...texts, ...said])
      for (const secret of [value, later]) assert.equal(text.includes(secret), false, text.slice(0, 200));
  });

  it("that secret set made end with the stack, and others stay", async () => {
    const down = await run(0, "down", "--yes");
    const census = down.events.find(({ event }) => event === "census");
    assert.equal(Object(census?.["counts"])["parameter"], 0);
    const Values = ["/secretive/url", "/shared"];
    const { Parameters = [] } = await clients().ssm.send(
      new DescribeParametersCommand({ ParameterFilters: [{ Key: "Name", Values }] }),
    );
    assert.deepEqual(
      Parameters.map(({ Name }) => Name),
      ["/shared"],
    );
  });
});
