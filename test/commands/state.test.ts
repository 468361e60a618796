import { CreateVpcCommand } from "@aws-sdk/client-ec2";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import { resourceTags, toTagList } from "../../lib/aws/tags.ts";
import { BerthError } from "../../lib/errors.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import { newDocument, parseDocument, type StateDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { leaseKey, readLease, takeLease } from "../../state/lease.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openStateStore } from "../../state/store.ts";
import { until } from "../local/temporary-aws.ts";
import { type Finished, runScript } from "./command-line.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-state-"));
const emulators = await startEmulators({ logDirectory: directory, ecr: false });
after(async () => {
  await emulators[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const region = "eu-central-1";
const account = "123456789012";
const bucket = `berth-hello-${account}-${region}`;
const belonging = { stack: "hello", account, region };
const { s3, ec2 } = createClients({ region, ...emulators });
const store = openS3Store({ client: s3, bucket, account });
const unsaved = join(directory, "unsaved");
const rescueFile = join(unsaved, `hello-${region}.json`);
const settings = `stack: hello\nregion: ${region}\napp: { source: gone }\n`;
const config = join(directory, "berth.yaml");
await writeFile(config, settings);

beforeEach(async () => {
  await emulators.reset();
  await rm(unsaved, { recursive: true, force: true });
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
});

function state(...args: readonly string[]): Promise<Finished> {
  const env = {
    AWS_ENDPOINT_URL: emulators.endpoints.ec2,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    BERTH_HOME: directory,
  };
  return runScript("provision/state.ts", ["--config", config, ...args], { env });
}

const base = newDocument(belonging);
const withVpc = { ...base, serial: 1, resources: { vpc: { kind: "vpc", generation: 1, id: "vpc-1" } } };
const withRole = {
  ...withVpc,
  serial: 2,
  resources: { ...withVpc.resources, role: { kind: "role", generation: 1, id: "berth-hello" } },
  pins: { "image.debian-13": "ami-1" },
};

async function save(...documents: readonly StateDocument[]): Promise<void> {
  for (const document of documents) {
    const etag = (await store.get("state.json"))?.etag;
    await openStateStore(store, belonging).save(document, etag);
  }
}

const putRaw = (Body: string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key: "state.json", Body }));

async function stored(): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "state.json" }));
  return (await Body?.transformToString()) ?? "";
}

const storedDocument = async () => parseDocument(await stored(), belonging, bucket);

/** A network of the stack in AWS, and the tag by which its bucket is known. Returns the network's id. */
async function tagStack(): Promise<string> {
  const TagSet = toTagList(resourceTags({ stack: "hello", name: "bucket", generation: 1 }, {}));
  await s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
  const Tags = toTagList(resourceTags({ stack: "hello", name: "vpc", generation: 3 }, {}));
  const TagSpecifications = [{ ResourceType: "vpc", Tags }] as const;
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: "10.20.0.0/16", TagSpecifications: [...TagSpecifications] }),
  );
  return Vpc?.VpcId ?? "";
}

const isLost = (error: unknown): boolean => error instanceof BerthError && error.code === "LeaseLost";

const asideBodies = async () =>
  Promise.all((await readdir(unsaved)).map((name) => readFile(join(unsaved, name), "utf8")));

test("show tells what is recorded and who holds the lease, and writes nothing", async () => {
  await save(withVpc, withRole);
  const lease = await takeLease(store, { operation: "up" });

  const run = await state("show");
  await lease.release();

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /serial +2\n/);
  assert.match(run.stdout, new RegExp(`lease +held by .*process ${process.pid}\\), running "up"`));
  assert.match(run.stdout, /vpc +generation 1 +vpc-1\n/);
  assert.match(run.stdout, /pin image\.debian-13 +ami-1/);
  assert.match(run.stderr, /, 0 writes$/m);
});

test("show tells what is wrong with a damaged document, and prints it as it is when asked", async () => {
  const damaged = '{"version": 1, "lineage": "';
  await putRaw(damaged);

  const [told, raw] = await Promise.all([state("show", "--json"), state("show", "--raw")]);

  assert.equal(told.exitCode, 0);
  const [shown] = told.events;
  assert.match(JSON.stringify(shown?.["problem"]), /StateDamaged.*state -- show.*state rebuild/);
  assert.equal(raw.stdout, `${damaged}\n`);
});

test("history lists each version with the names that it changed", async () => {
  await save(withVpc, withRole);
  await putRaw("broken");

  const run = await state("history", "--json");

  assert.equal(run.exitCode, 0, run.stderr);
  const [listed] = run.events;
  assert.ok(Array.isArray(listed?.["versions"]));
  const rows: unknown[] = listed["versions"];
  const [broken, second, first] = rows.map((row) => JSON.stringify(row));
  assert.match(broken ?? "", /"problem":"StateDamaged"/);
  assert.match(second ?? "", /"serial":2.*"added":\["role","pin image.debian-13"\],"changed":\[\]/);
  assert.match(first ?? "", /"serial":1.*"added":\["vpc"\]/);
});

test("restore puts an earlier version back with a higher serial, and keeps what it replaced", async () => {
  await save(withVpc, withRole);
  await putRaw("broken");

  const run = await state("restore", "--version", "2", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  const { serial, resources, pins, lineage } = await storedDocument();
  assert.deepEqual(
    { resources, pins, lineage, serial },
    { resources: withRole.resources, pins: withRole.pins, lineage: withRole.lineage, serial: 3 },
  );
  assert.deepEqual(await asideBodies(), ["broken"]);
  assert.equal(await store.get(leaseKey), undefined);
});

test("restore brings a removed document back", async () => {
  await save(withVpc);
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "state.json" }));

  const run = await state("restore", "--version", "1", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(await stored(), /vpc-1/);
});

test("restore refuses what it can't use, without a write", async () => {
  await save({ ...withVpc, stack: "other" });
  await putRaw("broken");
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));

  const [foreign, absent, unsaid] = await Promise.all([
    state("restore", "--version", Versions[1]?.VersionId ?? "", "--yes"),
    state("restore", "--version", "77", "--yes"),
    state("restore", "--yes"),
  ]);

  assert.match(foreign.stderr, /StateForeign.*of stack other, not hello/);
  assert.equal(foreign.exitCode, 1);
  assert.match(absent.stderr, /NoSuchVersion/);
  assert.deepEqual([absent.exitCode, unsaid.exitCode], [3, 3]);
  assert.equal(await stored(), "broken");
});

test("restore asks, and waits for nobody who holds the lease", async () => {
  await save(withVpc, withRole);
  const lease = await takeLease(store, { operation: "up" });

  const [unasked, held] = await Promise.all([
    state("restore", "--version", "1"),
    state("restore", "--version", "1", "--yes"),
  ]);
  await lease.release();

  assert.match(unasked.stderr, /against what is stored: - role, pin[\s\S]*NeedsConfirmation/);
  assert.equal(unasked.exitCode, 3);
  assert.equal(held.exitCode, 4);
  assert.match(await stored(), /"serial": 2/);
});

test("rebuild makes a document from tags in place of a damaged one, and keeps that", async () => {
  const vpcId = await tagStack();
  await putRaw('{"serial": 7, oops');

  const run = await state("rebuild", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stderr, /can't be used: the state document is not JSON/);
  const rebuilt = await storedDocument();
  assert.deepEqual(rebuilt.resources, {
    bucket: { kind: "bucket", generation: 1, id: bucket },
    vpc: { kind: "vpc", generation: 3, id: vpcId },
  });
  assert.equal(rebuilt.serial, 8);
  assert.deepEqual(await asideBodies(), ['{"serial": 7, oops']);
});

test("rebuild goes on in the history of what a run could not save, so that the next run merges it", async () => {
  await tagStack();
  await putRaw("broken");
  await mkdir(unsaved);
  await writeFile(rescueFile, JSON.stringify(withRole));

  const run = await state("rebuild", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  const { lineage, pins } = await storedDocument();
  assert.deepEqual({ lineage, pins }, { lineage: base.lineage, pins: withRole.pins });
  assert.match(await readFile(rescueFile, "utf8"), /berth-hello/);
});

test("rebuild moves an unsaved document away that nobody can merge", async () => {
  await tagStack();
  await mkdir(unsaved);
  await writeFile(rescueFile, "half");

  const run = await state("rebuild", "--yes");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.deepEqual(await asideBodies(), ["half"]);
  await assert.rejects(readFile(rescueFile), { code: "ENOENT" });
});

test("rebuild writes nothing where nothing is tagged", async () => {
  await putRaw("broken");

  const run = await state("rebuild", "--yes", "--json");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal(run.summary["outcome"], "unchanged");
  assert.equal(await stored(), "broken");
});

test("unlock refuses a live lease, takes it away when forced, and its holder stops", async () => {
  const lease = await takeLease(store, { operation: "up", ttlMs: 6_000 });

  const refused = await state("unlock", "--yes");
  const forced = await state("unlock", "--yes", "--force");

  assert.equal(refused.exitCode, 4);
  assert.match(refused.stderr, /LeaseHeld.*alive/);
  assert.equal(forced.exitCode, 0, forced.stderr);
  assert.match(forced.stdout, new RegExp(`held by .*process ${process.pid}`));
  assert.equal(await store.get(leaseKey), undefined);
  await until(() => lease.assertHeld().then(() => false, isLost));
});

test("unlock takes away what a run left that is no more, and finds nothing the next time", async () => {
  const dead = {
    id: "1",
    holder: "ann",
    host: "elsewhere",
    process: 7,
    operation: "down",
    ttlMs: 1,
    beat: 3,
  };
  await store.put(leaseKey, JSON.stringify({ ...dead, since: "2026-11-21T10:00:00.000Z" }));
  await until(async () => (await readLease(store))?.isAlive === false);

  const run = await state("unlock", "--yes");
  const again = await state("unlock", "--yes", "--json");

  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /expired; was held by ann@elsewhere \(process 7\), running "down"/);
  assert.equal(await store.get(leaseKey), undefined);
  assert.equal(again.summary["outcome"], "unchanged");
});

test("the file backend is shown, has no history, and says what to do instead", async () => {
  const other = join(directory, "file.yaml");
  await writeFile(other, `${settings}state: { backend: file, path: kept }\n`);
  await openStateStore(openFileStore(join(directory, "kept/hello")), belonging).save(withVpc, undefined);

  const [shown, refused] = await Promise.all([
    state("show", "--config", other),
    state("history", "--config", other),
  ]);

  assert.match(shown.stdout, /vpc +generation 1 +vpc-1/);
  assert.equal(refused.exitCode, 3);
  assert.match(refused.stderr, /NoHistory[\s\S]*state -- rebuild/);
});
