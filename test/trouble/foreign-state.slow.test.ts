import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  CreateVpcCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeVpcsCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { tagSpecifications } from "../../lib/aws/tags.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { ownershipTags } from "../../lib/owner.ts";
import { stackNames } from "../../lib/stack.ts";
import type { StateDocument } from "../../state/document.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openStateStore } from "../../state/store.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { openCli, story, type Ended } from "../strict-aws/cli.ts";

const stack = "test-foreign-state";
const directory = await mkdtemp(join(tmpdir(), "berth-foreign-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const cli = await openCli({ aws, directory, stack });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const { region } = cli;
const { ec2, s3 } = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
const { bucket } = stackNames({ stack, region }, localAccount);
const scope = { stack, account: localAccount, region };
const store = openStateStore(openS3Store({ client: s3, bucket, account: localAccount }), scope);

/** Rewrites the stored document, as anybody who may write into the bucket can. */
async function tamper(change: (document: StateDocument) => StateDocument): Promise<void> {
  const loaded = await store.load();
  assert.ok(loaded);
  const { document, etag } = loaded;
  await store.save({ ...change(document), serial: document.serial + 1 }, etag);
}

async function makeInstance(): Promise<string> {
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ["amazon"] }));
  const tags = ownershipTags({ stack: "shop", name: "instance", generation: 1 });
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      MinCount: 1,
      MaxCount: 1,
      ImageId: Images[0]?.ImageId,
      TagSpecifications: tagSpecifications(tags, "instance"),
    }),
  );
  return Instances[0]?.InstanceId ?? "";
}

async function makeVpc(): Promise<string> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.99.0.0/16" }));
  return Vpc?.VpcId ?? "";
}

async function makeBucket(): Promise<string> {
  const Bucket = "somebodys-full-bucket";
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket, Key: "dear", Body: "to somebody" }));
  return Bucket;
}

const isRunning = async (id: string) => {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations?.[0]?.Instances?.[0]?.State?.Name === "running";
};
const isThere = async (id: string) =>
  (await ec2.send(new DescribeVpcsCommand({ VpcIds: [id] }))).Vpcs?.length === 1;
const isFull = async (Bucket: string) => (await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount === 1;

interface Stranger {
  readonly what: string;
  readonly kind: string;
  readonly make: () => Promise<string>;
  readonly isUntouched: (id: string) => Promise<boolean>;
}

const strangers: readonly Stranger[] = [
  { what: "an instance of another stack", kind: "instance", make: makeInstance, isUntouched: isRunning },
  { what: "a VPC without tags", kind: "vpc", make: makeVpc, isUntouched: isThere },
];

const codeOf = ({ events }: Ended): unknown => events.find(({ event }) => event === "error")?.["code"];

describe("a state document that names what isn't the stack's", () => {
  let good: StateDocument;
  before(async () => {
    const up = await cli.run("up", "--yes");
    assert.equal(up.exitCode, 0, story(up));
    good = (await store.load())?.document ?? assert.fail("no document");
  });

  for (const { what, kind, make, isUntouched } of strangers) {
    for (const place of ["superseded", "resources"] as const) {
      it(`${what}, under ${place}: is refused by plan, up and down before anything is written`, async () => {
        const id = await make();
        const entry = { kind, generation: 1, id };
        await tamper((document) =>
          place === "superseded"
            ? { ...document, superseded: [{ name: kind, ...entry }] }
            : { ...document, resources: { ...document.resources, [kind]: entry } },
        );
        const start = aws.calls.length;

        for (const [command, ...more] of [["plan"], ["up", "--yes"], ["down", "--yes"]] as const) {
          const ended = await cli.run(command, ...more);
          assert.equal(ended.exitCode, 1, story(ended));
          assert.equal(codeOf(ended), "ForeignResource", story(ended));
        }

        const writes = aws.calls.slice(start).filter((call) => call.kind === "write");
        assert.deepEqual(writes, []);
        assert.ok(await isUntouched(id));
        await tamper(() => good);
      });
    }
  }

  it("a full bucket of somebody's: is not looked for under a name that isn't the stack's, and stays", async () => {
    const id = await makeBucket();
    await tamper((document) => ({
      ...document,
      superseded: [{ name: "bucket", kind: "bucket", generation: 1, id }],
    }));

    const up = await cli.run("up", "--yes");

    assert.equal(up.exitCode, 0, story(up));
    assert.ok(await isFull(id));
    assert.deepEqual((await store.load())?.document.superseded, []);
  });

  it("down removes the stack, and the strangers are still there", async () => {
    const down = await cli.run("down", "--yes");
    assert.equal(down.exitCode, 0, story(down));
    assert.ok(await isFull("somebodys-full-bucket"));
  });
});
