import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import { root } from "../../lib/paths.ts";
import { stackNames } from "../../lib/stack.ts";
import type { Summary } from "../../lib/report/report.ts";
import { scriptArguments } from "../script.ts";
import type { StrictAws } from "./strict-aws.ts";
import type { LoggedCall } from "./calls.ts";
import { startStandInEngine } from "./stand-in-engine.ts";
import { startStandInHosts, type StandInHostsOptions } from "./stand-in-host.ts";

const scripts = {
  up: "provision/up.ts",
  plan: "provision/plan.ts",
  status: "provision/status.ts",
  history: "provision/history.ts",
  rollback: "provision/rollback.ts",
  maintenance: "provision/maintenance.ts",
  logs: "provision/logs.ts",
  shell: "provision/shell.ts",
  secret: "provision/secret.ts",
  snapshot: "provision/snapshot.ts",
  state: "state/repair/commands.ts",
  down: "teardown/down.ts",
};

/** One line of `--json`. */
type JsonEvent = Readonly<Record<string, unknown>> & { readonly event: string };

export interface Ended {
  /** Absent when the command was killed. */
  readonly exitCode: number | null;
  readonly events: readonly JsonEvent[];
  /** The last event; absent when the command was killed before. */
  readonly summary: Summary | undefined;
  readonly stderr: string;
}

/** The text to show when a command ended unexpectedly. */
export const story = ({ exitCode, events, stderr }: Ended): string =>
  [`exit ${exitCode}`, ...events.slice(-15).map((event) => JSON.stringify(event)), stderr].join("\n");

/**
 * Runs commands on one stack as a user does: as child processes, which find AWS only by the SDK's own environment
 * variables.
 */
export interface Cli extends AsyncDisposable {
  readonly stack: string;
  readonly region: string;
  /** Path of berth.yaml. */
  readonly config: string;
  /** The environment of every command; nothing else tells it where AWS is. */
  readonly environment: NodeJS.ProcessEnv;
  run(command: keyof typeof scripts, ...more: string[]): Promise<Ended>;
  /** The same with a text on standard input. */
  pipe(input: string, command: keyof typeof scripts, ...more: string[]): Promise<Ended>;
  /** Rewrites berth.yaml: the settings of a small stack, with the given top-level keys replaced. */
  configure(settings?: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface CliOptions {
  readonly aws: StrictAws;
  /** An empty folder for berth.yaml and the app. */
  readonly directory: string;
  /** A name that no user's stack has. The commands' files for it in .berth/ are removed on dispose. */
  readonly stack: string;
  readonly region?: string;
  /** Another copy of the repository, whose commands are run. */
  readonly tree?: string;
  readonly says?: StandInHostsOptions["says"];
  readonly answers?: StandInHostsOptions["answers"];
}

/**
 * Sets up the app, an engine that builds and pushes it, and hosts that serve it. The AWS must have been started with
 * `ecr`.
 */
export async function openCli(options: CliOptions): Promise<Cli> {
  const { aws, directory, stack, region = "eu-central-1", tree, says, answers } = options;
  await using started = new Disposables();
  const clients = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
  const engine = started.use(await startStandInEngine(aws.bare.registry));
  const { bucket } = stackNames({ stack, region }, localAccount);
  started.use(startStandInHosts({ clients, stack, bucket, isNews: watchForHosts(aws), says, answers }));
  const source = join(directory, "app");
  await mkdir(source, { recursive: true });
  await writeFile(join(source, "Dockerfile"), "FROM scratch\nCOPY app /app\n");
  await writeFile(join(source, "app"), "the first version\n");

  const config = join(directory, "berth.yaml");
  // JSON is YAML.
  const configure = (settings = {}) => {
    // Rules of a test's own need not be those that HTTPS needs.
    const https = "ingress" in settings ? { https: "off" } : {};
    return writeFile(
      config,
      JSON.stringify({ stack, region, app: { source, port: 8080 }, ...https, ...settings }),
    );
  };
  await configure();
  const environment = { ...environmentFor(aws, region), DOCKER_HOST: engine.dockerHost };
  const pipe: Cli["pipe"] = (input, command, ...more) => {
    const script = scripts[command];
    const node = tree === undefined ? scriptArguments(script) : ["--import", "tsx", join(tree, script)];
    const args = [...node, "--config", config, "--json", ...more];
    const child = spawn(process.execPath, args, { cwd: tree ?? root, env: environment, stdio: "pipe" });
    // A command that reads no input may end before it is written.
    child.stdin.on("error", () => undefined).end(input);
    return follow(child);
  };
  const run: Cli["run"] = (command, ...more) => pipe("", command, ...more);
  const kept = started.move();
  return {
    stack,
    region,
    config,
    environment,
    run,
    pipe,
    configure,
    [Symbol.asyncDispose]: async () => {
      await kept[Symbol.asyncDispose]();
      await forgetFiles(stack);
    },
  };
}

/** Hosts have something to do only when a run waits for their report or has given them an address. */
function watchForHosts(aws: StrictAws): () => boolean {
  let log = aws.calls;
  let seen = 0;
  let underWay: number[] = [];
  return () => {
    // A reset starts a new log.
    if (log !== aws.calls) [log, seen, underWay] = [aws.calls, 0, []];
    for (; seen < log.length; seen += 1) if (concernsHosts(log[seen])) underWay.push(seen);
    const waiting = underWay.length;
    underWay = underWay.filter((index) => log[index]?.outcome === undefined);
    return underWay.length < waiting;
  };
}

const concernsHosts = (call: LoggedCall | undefined): boolean =>
  call !== undefined && (/^(Associate|Start)/.test(call.operation) || call.url.includes("/hosts/"));

/** Removes the commands' local files: receipts, and a document that could not be saved. */
async function forgetFiles(stack: string): Promise<void> {
  for (const folder of ["receipts", "unsaved"].map((name) => join(root, ".berth", name))) {
    const names = existsSync(folder) ? await readdir(folder) : [];
    const own = names.filter((name) => name.startsWith(`${stack}-`));
    await Promise.all(own.map((name) => rm(join(folder, name), { force: true })));
  }
}

/** Without the user's own AWS settings, and with the emulator's. */
function environmentFor({ endpoints, credentials }: StrictAws, region: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(AWS_|DOCKER_|NODE_TEST|NODE_OPTIONS)/.test(name),
  );
  return {
    ...Object.fromEntries(own),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_CLOUDWATCH: endpoints.cloudWatch,
    AWS_ENDPOINT_URL_EC2: endpoints.ec2,
    AWS_ENDPOINT_URL_ECR: endpoints.ecr,
    AWS_ENDPOINT_URL_IAM: endpoints.iam,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: endpoints.logs,
    AWS_ENDPOINT_URL_ROUTE_53: endpoints.route53,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    AWS_ENDPOINT_URL_SNS: endpoints.sns,
    AWS_ENDPOINT_URL_SSM: endpoints.ssm,
    AWS_ENDPOINT_URL_STS: endpoints.sts,
  };
}

async function follow(child: ChildProcess): Promise<Ended> {
  const exited = once(child, "exit");
  if (child.stdout === null || child.stderr === null) throw new TypeError("A command without its output");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const events = stdout.split("\n").flatMap(parseEvent);
  const last = events.at(-1);
  return { exitCode: child.exitCode, events, summary: isSummary(last) ? last : undefined, stderr };
}

// A killed process may leave half a line.
function parseEvent(line: string): JsonEvent[] {
  try {
    const event: JsonEvent = JSON.parse(line);
    return [event];
  } catch {
    return [];
  }
}

const isSummary = (event: object | undefined): event is JsonEvent & Summary =>
  event !== undefined && "event" in event && event.event === "summary";
