import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { createClients } from "../../lib/aws/clients.ts";
import { fromRoot, root } from "../../lib/paths.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { takeLease } from "../../state/lease/lease.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { runScript } from "./command-line.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-bad-input-"));
const aws = await startStrictAws({ logDirectory: directory });
after(async () => {
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => aws.reset());

const execute = promisify(execFile);
const region = "eu-central-1";
const account = "123456789012";
const bucket = `berth-hello-${account}-${region}`;
// Behind the rules: what these tests make was made long ago.
const { s3, ec2 } = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
const env = {
  AWS_ENDPOINT_URL: aws.endpoints.ec2,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  BERTH_HOME: directory,
};
const config = join(directory, "berth.yaml");
await writeFile(
  config,
  `stack: hello\nregion: ${region}\napp:\n  source: ${fromRoot("dockerfiles/go-web")}\n`,
);

/** Only what comes with an account is there: a network of AWS's own, and nothing else. */
async function assertNothingWasMade(): Promise<void> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
  assert.deepEqual(Buckets, []);
  assert.ok(Vpcs.every(({ IsDefault }) => IsDefault === true));
}

test("no configuration: exit 3, with one to start from", async () => {
  const run = await runScript("provision/up.ts", ["--config", join(directory, "absent.yaml")], { env });

  assert.equal(run.exitCode, 3);
  assert.match(run.stderr, /stack: hello[\s\S]*NoConfiguration.*absent\.yaml/);
});

test("an unknown option: exit 3, with the one that was meant", async () => {
  const run = await runScript("provision/plan.ts", ["--jsn"], { env });

  assert.equal(run.exitCode, 3);
  assert.match(run.stderr, /unknown option --jsn; did you mean --json\?/);
});

test("no credentials: exit 1, with where they go, and no stack trace", async () => {
  const { AWS_ENDPOINT_URL } = env;
  const run = await runScript("provision/plan.ts", ["--config", config], {
    env: { AWS_ENDPOINT_URL, HOME: directory, BERTH_HOME: directory },
  });

  assert.equal(run.exitCode, 1);
  assert.match(run.stderr, /NoCredentials[\s\S]*AWS_PROFILE/);
  assert.doesNotMatch(run.stderr, /\n\s+at /);
});

test("nobody to ask and no --yes: exit 3, nothing made", async () => {
  const run = await runScript("provision/up.ts", ["--config", config], { env });

  assert.equal(run.exitCode, 3);
  assert.match(run.stderr, /16 to create[\s\S]*NeedsConfirmation/);
  await assertNothingWasMade();
});

test("no container engine to build with: nothing made", async () => {
  const run = await runScript("provision/up.ts", ["--config", config, "--yes"], {
    env: { ...env, DOCKER_HOST: `unix://${directory}/nobody.sock` },
  });

  assert.equal(run.exitCode, 1);
  assert.match(run.stderr, /NoDockerEngine/);
  await assertNothingWasMade();
});

test("a damaged state document is refused and left as it is", async () => {
  const damaged = '{"version": 1, "lineage": "';
  await s3.send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "state.json", Body: damaged }));

  for (const script of ["provision/plan.ts", "provision/up.ts", "teardown/down.ts"]) {
    const run = await runScript(script, ["--config", config, "--yes"], { env });

    assert.equal(run.exitCode, 1, script);
    assert.match(run.stderr, /StateDamaged.*s3:\/\/.*state\.json/);
  }
  const kept = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "state.json" }));
  assert.equal(await kept.Body?.transformToString(), damaged);
});

test("a held lease: exit 4, with who holds it and what to do", async () => {
  await s3.send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
  );
  await s3.send(
    new PutBucketTaggingCommand({
      Bucket: bucket,
      Tagging: { TagSet: [{ Key: "berth:stack", Value: "hello" }] },
    }),
  );
  const held = await takeLease(openS3Store({ client: s3, bucket, account }), { operation: "up" });

  const run = await runScript("teardown/down.ts", ["--config", config, "--yes", "--json"], { env });
  await held.release();

  assert.equal(run.summary["outcome"], "failed", JSON.stringify(run.events));
  assert.equal(run.exitCode, 4);
  const error = run.events.find(({ event }) => event === "error");
  assert.match(String(error?.["message"]), new RegExp(`process ${process.pid}`));
});

test("plan only reads: no call that writes was sent", async () => {
  const run = await runScript("provision/plan.ts", ["--config", config, "--json"], { env });

  assert.equal(run.exitCode, 2);
  assert.match(run.stdout.trimEnd(), /"calls":\{"read":\d+,"write":0\}[^\n]*$/);
  await assertNothingWasMade();
});

test("help goes to stdout, exit 0", async () => {
  for (const script of ["provision/up.ts", "provision/plan.ts", "provision/status.ts", "teardown/down.ts"]) {
    const run = await runScript(script, ["--help"]);

    assert.equal(run.exitCode, 0);
    assert.match(run.stdout, /Usage: berth \w+ \[options\]/);
    assert.equal(run.stderr, "");
  }
});

test("a script does the same by npm and by tsx", async () => {
  const cwd = root;
  const byNpm = await execute("npm", ["run", "-s", "up", "--", "--help"], { cwd });
  const byTsx = await execute("npx", ["tsx", "provision/up.ts", "--help"], { cwd });

  assert.match(byNpm.stdout, /^up: makes everything/);
  assert.match(byNpm.stdout, /^Usage: npm run up -- \[options\]$/m);
  assert.match(byTsx.stdout, /^Usage: npx berth up \[options\]$/m);
  assert.match(byNpm.stdout, /^ {2}npm run up -- --local {2,}on/m);
  const [ofNpm, ofTsx] = [byNpm, byTsx].map(({ stdout }) =>
    stdout.replace(/^Usage: .*$/m, "").replaceAll(/^ {2}(?:npm run up(?: --)?|npx berth up)(?= ).*\n/gm, ""),
  );
  assert.equal(ofTsx, ofNpm);
});
