import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { type Clients, createClients } from "../../lib/aws/clients.ts";
import { resourceTags, toTagList } from "../../lib/aws/tags.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { type Finished, runScript } from "../commands/command-line.ts";
import { region } from "../commands/stack.ts";
import { scriptArguments } from "../script.ts";

const account = "123456789012";

/** A stack of which only the bucket exists, for the attacker to write to. */
export interface SideStack {
  readonly scope: { readonly stack: string; readonly account: string; readonly region: string };
  readonly put: (key: string, body: string | Buffer) => Promise<void>;
  readonly command: (script: string, ...args: readonly string[]) => Promise<Finished>;
  /** Whether a command on it ends at all; it is ended after two minutes. */
  readonly endures: (script: string) => Promise<string>;
}

/** An AWS without machines: a stack each attack, under a name of its own. */
export interface SideStacks extends AsyncDisposable {
  /** What is in that AWS, by another way than the commands'. */
  readonly clients: Clients;
  readonly open: (name: string, source?: string) => Promise<SideStack>;
}

export async function openSideStacks(): Promise<SideStacks> {
  const directory = await mkdtemp(join(tmpdir(), "berth-attacks-"));
  // What is stored hardly ages: no lease that an attack puts there expires before a command of a busy machine reads it.
  const aws = await startStrictAws({ logDirectory: directory, rules: { objectAge: 0.001 } });
  const clients = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
  const env = {
    AWS_ENDPOINT_URL: aws.endpoints.ec2,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
    BERTH_HOME: directory,
  };
  return {
    clients,
    open: async (name, source = ".") => {
      const bucket = `berth-${name}-${account}-${region}`;
      const config = join(directory, `${name}.yaml`);
      await writeFile(config, `stack: ${name}\nregion: ${region}\napp:\n  source: ${source}\n`);
      await makeBucket(clients, name, bucket);
      return {
        scope: { stack: name, account, region },
        put: async (Key, Body) => {
          await clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from(Body) }));
        },
        command: (script, ...args) => runScript(script, ["--config", config, ...args], { env }),
        endures: (script) => endure(script, ["--config", config], env),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await aws[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Runs a command, and ends it when it doesn't end by itself. */
export function endure(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  return new Promise((resolve) => {
    const command = [...scriptArguments(script), ...args];
    execFile(
      process.execPath,
      command,
      { timeout: 120_000, killSignal: "SIGKILL", env },
      (error, _, stderr) => {
        const [, code = "none"] = /^error (\w+)/m.exec(stderr) ?? [];
        resolve(error?.killed === true ? "no end within 120 s" : `ends with error ${code}`);
      },
    );
  });
}

async function makeBucket({ s3 }: Clients, stack: string, Bucket: string): Promise<void> {
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  const Tagging = { TagSet: toTagList(resourceTags({ stack, name: "bucket", generation: 1 })) };
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging }));
}
