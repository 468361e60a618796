import { CreateVpcCommand } from "@aws-sdk/client-ec2";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClients } from "../../lib/aws/clients.ts";
import { resourceTags, tagSpecifications, toTagList } from "../../lib/aws/tags.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { newDocument, type StateDocument } from "../../state/document.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openStateStore } from "../../state/store.ts";
import { type CommandLineOptions, type Finished, runScript } from "./command-line.ts";

const region = "eu-central-1";
const account = "123456789012";
export const scope = { stack: "hello", account, region };
export const bucket = `berth-hello-${account}-${region}`;
export const settings = `stack: hello\nregion: ${region}\napp: { source: gone }\n`;

/** Two state documents of one history. */
export const first: StateDocument = {
  ...newDocument(scope),
  serial: 1,
  resources: { vpc: { kind: "vpc", generation: 1, id: "vpc-1" } },
};
export const second: StateDocument = {
  ...first,
  serial: 2,
  resources: { ...first.resources, role: { kind: "role", generation: 1, id: "berth-hello" } },
  pins: { "image.debian-13": "ami-1" },
};

/** A stack of which only the state bucket exists, and its commands, run as a user runs them. */
export async function openStoredStack() {
  const directory = await mkdtemp(join(tmpdir(), "berth-state-"));
  const aws = await startStrictAws({ logDirectory: directory });
  const { s3, ec2 } = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
  const store = openS3Store({ client: s3, bucket, account });
  const unsaved = join(directory, "unsaved");
  const config = join(directory, "berth.yaml");
  await writeFile(config, settings);
  const env = {
    AWS_ENDPOINT_URL: aws.endpoints.ec2,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    BERTH_HOME: directory,
  };
  const run = (script: string, args: readonly string[], options?: CommandLineOptions): Promise<Finished> =>
    runScript(script, ["--config", config, ...args], { ...options, env });

  return {
    directory,
    s3,
    store,
    unsaved,
    /** The file in which a run leaves a document that it can't save. */
    rescueFile: join(unsaved, `hello-${region}.json`),
    state: (...args: readonly string[]) => run("state/repair/commands.ts", args),
    run,
    reset: async () => {
      await aws.reset();
      await rm(unsaved, { recursive: true, force: true });
      const CreateBucketConfiguration = { LocationConstraint: region } as const;
      await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    },
    save: async (...documents: readonly StateDocument[]) => {
      for (const document of documents) {
        const etag = (await store.get("state.json"))?.etag;
        await openStateStore(store, scope).save(document, etag);
      }
    },
    putRaw: (Body: string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key: "state.json", Body })),
    stored: async () => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "state.json" }));
      return (await Body?.transformToString()) ?? "";
    },
    /** Creates a network of the stack in AWS, and the tags that identify its bucket. Returns the network's id. */
    tagStack: async () => {
      const own = (name: string, generation: number) => resourceTags({ stack: "hello", name, generation });
      const Tagging = { TagSet: toTagList(own("bucket", 1)) };
      await s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging }));
      const TagSpecifications = tagSpecifications(own("vpc", 3), "vpc");
      const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.20.0.0/16", TagSpecifications }));
      return Vpc?.VpcId ?? "";
    },
    /** The texts of the damaged documents that were set aside. */
    damagedCopies: async () =>
      Promise.all((await readdir(unsaved)).map((name) => readFile(join(unsaved, name), "utf8"))),
    [Symbol.asyncDispose]: async () => {
      await aws[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
