import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateVpcCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DisassociateAddressCommand,
} from "@aws-sdk/client-ec2";
import { CreateAccountAliasCommand, DeleteAccountAliasCommand } from "@aws-sdk/client-iam";
import { createClients } from "../../lib/aws/clients.ts";
import { metricsNamespace } from "../../lib/aws/names.ts";
import { resourceTags, tagSpecifications } from "../../lib/aws/tags.ts";
import { startNameServer } from "../../lib/local/network/name-server.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { packAgent } from "../../lib/host/bundle.ts";
import type { AppFigures } from "../../lib/release/figures.ts";
import { hostReportKey } from "../../lib/release/reports.ts";
import { stackNames } from "../../lib/stack.ts";
import { leaseKey } from "../../state/lease/lease.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { openCli, type Ended } from "../strict-aws/cli.ts";
import { until } from "../local/temporary-aws.ts";

const stack = "test-events";

/** One stack, and the few things that must happen to it so that every field of every event is printed. */
export async function openEventRuns() {
  const directory = await mkdtemp(join(tmpdir(), "berth-events-"));
  const aws = await startStrictAws({ logDirectory: directory, ecr: true });
  const cli = await openCli({ aws, directory, stack });
  cli.environment["BERTH_HOME"] = join(directory, "home");
  const names = await startNameServer("127.0.0.13", () => Promise.resolve({ exists: false, values: [] }));
  cli.environment["BERTH_NAME_SERVER"] = `127.0.0.13:${names.port}`;
  const { bucket } = stackNames({ stack, region: cli.region }, localAccount);
  const access = { region: cli.region, endpoints: aws.bare, credentials: aws.credentials };
  const { cloudWatch, ec2, iam, s3 } = createClients(access);
  const alias = { AccountAlias: "acme-test" };
  await iam.send(new CreateAccountAliasCommand(alias));
  const store = openS3Store({ client: s3, bucket, account: localAccount });
  const app = { source: join(directory, "app"), port: 8080 };
  const read = async (key: string) => (await store.get(key)) ?? Promise.reject(new TypeError(`no ${key}`));
  const write = async (key: string, body: object | string) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await store.put(key, text, (await store.get(key))?.etag);
  };

  return {
    aws,
    app,
    read,
    write,
    cli,
    /** Makes a Git repository of the folder that contains the app. Returns its commit. */
    commit: async () => {
      const git = async (...args: string[]) =>
        promisify(execFile)("git", ["-C", directory, "-c", "user.name=a", "-c", "user.email=a@b", ...args]);
      await git("init", "--quiet");
      await git("commit", "--quiet", "--allow-empty", "--message", "the app");
      return (await git("rev-parse", "HEAD")).stdout.trim();
    },
    /** The id of the running host. */
    host: async () => {
      const Filters = [{ Name: "instance-state-name", Values: ["running"] }];
      const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
      return Reservations[0]?.Instances?.[0]?.InstanceId ?? "";
    },
    /** Writes a host's report with these counts for the release, and whatever else it has to tell. */
    report: (host: string, number: number, upstream: AppFigures, more: object = {}) =>
      write(hostReportKey(host), {
        release: number,
        status: "serving",
        serves: number,
        upstream,
        agent: { sha256: packAgent().sha256 },
        at: new Date().toISOString(),
        ...more,
      }),
    /** Leaves in CloudWatch what the host and EC2 send. */
    measure: async (host: string) => {
      const Timestamp = new Date(Date.now() - 120_000);
      const one = (MetricName: string) => ({ MetricName, Value: 1, Timestamp });
      const own = ["FailedRequests", "FailedTries", "ResponseTime", "MemoryUsed", "DiskUsed"];
      const credits = {
        ...one("CPUCreditBalance"),
        Dimensions: [{ Name: "InstanceId", Value: host }],
      };
      for (const [Namespace, MetricData] of [
        [metricsNamespace({ stack }), own.map(one)],
        ["AWS/EC2", [credits]],
      ] as const)
        await cloudWatch.send(new PutMetricDataCommand({ Namespace, MetricData: [...MetricData] }));
    },
    /** Leaves a lease as if a run on another computer held it. */
    lease: () =>
      write(leaseKey, {
        id: "a-lease",
        holder: "ann",
        host: "elsewhere",
        process: 7,
        operation: "up",
        since: new Date().toISOString(),
        ttlMs: 600_000,
        beat: 3,
      }),
    /** Leaves a file in the app's folder that a plan warns of. */
    leavePrivate: async () => {
      const file = join(app.source, ".env");
      await writeFile(file, "");
      return () => rm(file);
    },
    /** Leaves a document that a run could not save. */
    leaveUnsaved: async () => {
      const folder = join(directory, "home", "unsaved");
      await mkdir(folder, { recursive: true });
      const file = join(folder, `${stack}-${cli.region}.json`);
      await writeFile(file, "{");
      return () => rm(file);
    },
    /** Runs a command while the stored object is damaged, and then restores the object. */
    damaged: async (key: string, command: () => Promise<Ended>) => {
      const { body } = await read(key);
      await write(key, "{");
      const ended = await command();
      await write(key, body);
      return ended;
    },
    /** Takes the address from the host, and returns when nothing answers there any more. */
    unplug: async (url: string) => {
      const { Addresses = [] } = await ec2.send(new DescribeAddressesCommand({}));
      for (const { AssociationId } of Addresses)
        await ec2.send(new DisassociateAddressCommand({ AssociationId }));
      // The stand-in host makes a round after each time that reports are read.
      await cli.run("status");
      await until(() =>
        fetch(url).then(
          () => false,
          () => true,
        ),
      );
    },
    /** Has somebody create another network of the stack just after its bucket was deleted. */
    leaveBehind: () =>
      aws.on(async ({ stage, call, status }) => {
        if (stage !== "decided" || call.operation !== "DeleteBucket" || status !== 204) return;
        const tags = resourceTags({ stack, name: "vpc", generation: 9 });
        const TagSpecifications = tagSpecifications(tags, "vpc");
        await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16", TagSpecifications }));
      }),
    [Symbol.asyncDispose]: async () => {
      await iam.send(new DeleteAccountAliasCommand(alias));
      await cli[Symbol.asyncDispose]();
      await names[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
