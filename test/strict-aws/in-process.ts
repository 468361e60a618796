import { join } from "node:path";
import type { ObjectStore } from "../../state/object-store.ts";
import type { Plan } from "../../lib/engine/plan.ts";
import { isPending } from "../../lib/engine/plan.ts";
import type { Observations } from "../../lib/engine/read.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import type { Offers } from "../../lib/stack.ts";
import { buildApp } from "../../lib/deploy/build.ts";
import { requireWithin } from "../../lib/deploy/confirmation.ts";
import { convergeStack, ensureStateBucket } from "../../lib/deploy/converging.ts";
import { type Held, withLease } from "../../lib/deploy/lease.ts";
import { readStack } from "../../lib/deploy/reading.ts";
import { type Report, Tally } from "../../lib/report/report.ts";
import type { Session } from "../../lib/command/session.ts";
import { openCli, type Cli, type CliOptions } from "./cli.ts";
import { startStandInEngine } from "./stand-in-engine.ts";
import { sampleHead } from "../report/sample-head.ts";

/** One run of a command. */
export interface Run {
  readonly plan: Plan;
  /** The last observation of every resource; absent when there was nothing to do. */
  readonly observations?: Observations<Offers>;
  /** The messages to the user. */
  readonly told: readonly string[];
}

/** Runs the commands in this process: with the same sessions and the same steps, but a hundred times per minute. */
export interface InProcess extends AsyncDisposable {
  /** The same stack, with commands as child processes. */
  readonly cli: Cli;
  readonly plan: () => Promise<Run>;
  readonly up: (options?: RunOptions) => Promise<Run>;
  /** Holds the stack's lease while the work runs. */
  readonly hold: <T>(work: (session: Session, held: Held) => Promise<T>, options?: RunOptions) => Promise<T>;
  readonly store: () => Promise<ObjectStore>;
}

interface RunOptions {
  readonly waitMs?: number;
  /** Receives the messages to the user as they are printed. */
  readonly told?: string[];
}

/**
 * Prepares this process to run commands on one stack: from here on, it uses the AWS and the engine of the test. Call
 * this once per file, before anything loads lib/command/session.ts.
 */
export async function openInProcess(options: CliOptions): Promise<InProcess> {
  await using started = new Disposables();
  const { aws, directory, region = "eu-central-1" } = options;
  const engine = started.use(await startStandInEngine(aws.bare.registry));
  const { endpoints, credentials } = aws;
  Object.assign(process.env, {
    BERTH_HOME: join(directory, "home"),
    DOCKER_HOST: engine.dockerHost,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_ROUTE_53: endpoints.route53,
    ...Object.fromEntries(
      (["ec2", "ecr", "iam", "s3", "ssm", "sts"] as const).map((service) => [
        `AWS_ENDPOINT_URL_${service.toUpperCase()}`,
        endpoints[service],
      ]),
    ),
  });
  const cli = started.use(await openCli(options));
  const { openSession } = await import("../../lib/command/session.ts");

  const open = (command: "up" | "plan", { waitMs = 0, told = [] }: RunOptions = {}) => {
    const config = join(directory, "berth.yaml");
    const flags = {
      config,
      local: false,
      waitMs,
      yes: true,
      json: true,
      keepData: false,
      deleteData: false,
      newData: false,
      upgradeOs: false,
      force: false,
      fresh: false,
      all: false,
      raw: false,
      follow: false,
      since: "10m",
      app: false,
      operands: [],
    };
    const signal = new AbortController().signal;
    return openSession({
      name: command,
      usesSource: true,
      flags,
      report: listen(told),
      tally: new Tally(),
      signal,
    }).then((session) => ({
      session,
      told,
    }));
  };
  const kept = started.move();
  return {
    cli,
    plan: async () => {
      const { session, told } = await open("plan");
      await using _ = session;
      return { plan: (await readStack(session)).plan, told };
    },
    up: async (run) => {
      const { session, told } = await open("up", run);
      await using _ = session;
      return { ...(await up(session)), told };
    },
    hold: async (work, run) => {
      const { session } = await open("up", run);
      await using _ = session;
      return withLease(session, "up", (held) => work(session, held));
    },
    store: async () => (await open("plan")).session.store,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** Like provision/up.ts, without the question, the output and the check from outside. */
async function up(session: Session): Promise<Pick<Run, "plan" | "observations">> {
  const shown = await readStack(session);
  if (!isPending(shown.plan) && shown.wasKept !== true) return { plan: shown.plan };
  await buildApp(session, shown);
  await ensureStateBucket(session, shown);
  return withLease(session, "up", async (held) => {
    const reading = await readStack(session, { patienceMs: 15_000 });
    requireWithin(session, { ...shown.plan, warnings: [], head: sampleHead }, reading.plan);
    return { plan: reading.plan, observations: await convergeStack(session, reading, held) };
  });
}

function listen(told: string[]): Report {
  const ignore = () => undefined;
  return {
    message: (text) => void told.push(...[text].flat()),
    log: () => undefined,
    data: ignore,
    announce: ignore,
    raw: ignore,
    plan: ignore,
    begin: () => ignore,
    end: ignore,
    fail: ignore,
    error: ignore,
    summary: ignore,
    close: ignore,
  };
}
