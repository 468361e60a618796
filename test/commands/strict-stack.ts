import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clients, createClients } from "../../lib/aws/clients.ts";
import { type Cli, openCli } from "../strict-aws/cli.ts";
import { startStrictAws, type StrictAws } from "../strict-aws/strict-aws.ts";

/** One stack on an AWS of its own, and its commands. */
export interface StrictStack extends AsyncDisposable {
  readonly aws: StrictAws;
  readonly cli: Cli;
  /** Runs a command, and fails unless it ends so. */
  readonly run: (
    exitCode: number,
    ...command: Parameters<Cli["run"]>
  ) => Promise<Awaited<ReturnType<Cli["run"]>>>;
  /** Clients that no rule of the AWS sees, as a second route beside the commands. */
  readonly clients: () => Clients;
}

export async function openStrictStack(stack: string): Promise<StrictStack> {
  const directory = await mkdtemp(join(tmpdir(), `berth-${stack}-`));
  const aws = await startStrictAws({ logDirectory: directory, ecr: true });
  const cli = await openCli({ aws, directory, stack });
  return {
    aws,
    cli,
    run: async (exitCode, ...[command, ...more]) => {
      const ended = await cli.run(command, ...more);
      assert.equal(ended.exitCode, exitCode, ended.stderr + JSON.stringify(ended.events));
      return ended;
    },
    clients: () => createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials }),
    [Symbol.asyncDispose]: async () => {
      await cli[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
