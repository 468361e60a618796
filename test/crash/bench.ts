import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClients, type Clients } from "../../lib/aws/clients.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import { startStrictAws, type StrictAws } from "../strict-aws/strict-aws.ts";
import { openCli, type Cli } from "../strict-aws/cli.ts";
import { startRunner, type Runner } from "./process.ts";
import type { Order } from "./runner.ts";
import type { Settings } from "./scenarios.ts";

// A lease's thirty seconds take two. With a higher speed, a slow machine could miss heartbeats.
const speed = 16;
const usualLeaseSeconds = 30;
// Most lists then have several pages, without a separate call for each object version.
const pageSize = 10;

/** A place for crash trials: a separate AWS, one stack, and processes that are ready to run its commands. */
export interface Bench extends AsyncDisposable {
  readonly aws: StrictAws;
  readonly cli: Cli;
  /** Directly to the emulators, without the proxy. */
  readonly bare: Clients;
  /** Runs commands one after the other, each to its end. */
  readonly steady: Runner;
  order(command: Order["command"], ...words: string[]): Order;
  configure(settings: Settings): Promise<void>;
  /** Changes the app's source. */
  writeApp(text: string): Promise<void>;
  /** Empties the account, and clears what the emulators remember of deleted resources. */
  reset(): Promise<void>;
  /** A process that has run nothing yet. Each is returned only once. */
  victim(): Promise<Runner>;
}

export interface BenchOptions {
  readonly stack?: string;
  /** As of `startStrictAws`. */
  readonly seed?: number;
  /** How long a lease lives, by the commands' clock. However long, the lease of a dead run expires in two seconds. */
  readonly leaseSeconds?: number;
}

/** `script` is what `bundleRunner` made. */
export async function openBench(script: string, options: BenchOptions = {}): Promise<Bench> {
  const { stack = "crash-matrix", seed = 1, leaseSeconds = usualLeaseSeconds } = options;
  await using started = new Disposables();
  const directory = await mkdtemp(join(tmpdir(), "berth-crash-"));
  started.use({ [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) });
  const aws = started.use(
    await startStrictAws({
      logDirectory: directory,
      ecr: true,
      rules: {
        objectAge: (speed * leaseSeconds) / usualLeaseSeconds,
        pagination: { size: pageSize },
      },
      seed,
    }),
  );
  const cli = started.use(await openCli({ aws, directory, stack }));
  const source = join(directory, "app");
  const environment = {
    ...cli.environment,
    BERTH_HOME: join(directory, "home"),
    CRASH_SPEED: String(speed),
    BERTH_LEASE_SECONDS: String(leaseSeconds),
  };
  const start = () => startRunner(script, environment);
  const steady = started.use(start());
  let spare = start();
  started.use({ [Symbol.asyncDispose]: () => spare[Symbol.asyncDispose]() });
  const bare = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
  await steady.ready;
  const kept = started.move();
  return {
    aws,
    cli,
    bare,
    steady,
    order: (command, ...words) => ({
      command,
      args: [...words, "--config", cli.config, "--yes", "--json", "--wait", "60"],
    }),
    configure: ({ environment: values = {}, replicas, volumes, ...rest }) =>
      cli.configure({ app: { source, environment: values, replicas, volumes }, ...rest }),
    writeApp: (text) => writeFile(join(source, "app"), text),
    reset: async () => {
      await aws.reset();
      await rm(join(directory, "home"), { recursive: true, force: true });
    },
    victim: async () => {
      const chosen = spare;
      await chosen.ready;
      spare = start();
      return chosen;
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}
