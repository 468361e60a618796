import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { setMaxListeners } from "node:events";
import { fileURLToPath } from "node:url";
import { openFileStore } from "../state/file-store.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { openS3Store } from "../state/s3-store.ts";
import { type Clients, createClients, type Endpoints } from "./aws/clients.ts";
import type { CommandSpec } from "./command.ts";
import { type Config, loadConfig } from "./config/load.ts";
import { BerthError } from "./errors.ts";
import type { Flags } from "./flags.ts";
import { ensurePrivateHome } from "./private-files.ts";
import type { Report, Tally } from "./report/report.ts";
import type { ResourceContext } from "./resources/resource.ts";
import { stackNames } from "./stack.ts";

/** What a command works with; built in one place, passed to everything. */
export interface Session extends AsyncDisposable {
  readonly config: Config;
  readonly flags: Flags;
  readonly ctx: ResourceContext;
  /** ARN of whoever runs this. */
  readonly caller: string;
  readonly endpoints: Endpoints | undefined;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Where state and lease are kept. Its own client: neither fenced by the lease, nor refused in a dry run. */
  readonly store: ObjectStore;
  /** From now on asked before each call to AWS that isn't a read. */
  fence(assertMayWrite: Fence): void;
  /** Files that belong beside the user: receipts, a state document that could not be saved. */
  readonly directory: string;
}

type Fence = () => Promise<void> | void;

export interface SessionOptions {
  readonly flags: Flags;
  readonly spec: CommandSpec;
  readonly report: Report;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** Where Berth keeps what belongs to this computer: receipts, unsaved state, the embedded AWS. BERTH_HOME moves it. */
const home = process.env["BERTH_HOME"] ?? fileURLToPath(new URL("../.berth", import.meta.url));

/** Reads the configuration, opens AWS (or the embedded one) and asks it who is calling. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { flags, spec, report, tally, signal } = options;
  // Every resource may wait at once, and each wait listens; Node takes more than ten for a leak and says so.
  setMaxListeners(0, signal);
  const config = await loadConfig(flags.config, { stack: flags.stack, usesSource: spec.usesSource });
  await ensurePrivateHome(home);
  const local = flags.local ? await openLocal(report, signal) : undefined;
  const access = { region: config.region, endpoints: local?.endpoints, credentials: local?.credentials };
  const onCall = tally.calls.push.bind(tally.calls);

  let assertMayWrite: Fence = spec.writes ? () => {} : refuseWrites(spec.name);
  const clients = createClients({ ...access, onCall, beforeWrite: () => assertMayWrite() });
  const { account, caller } = await askWhoCalls(clients);
  const { bucket } = stackNames(config, account);
  const store =
    config.state.backend === "file"
      ? openFileStore(`${config.state.path}/${config.stack}/${config.region}`)
      : openS3Store({ client: createClients({ ...access, onCall }).s3, bucket, account });

  return {
    config,
    flags,
    ctx: { clients, account, region: config.region, signal, note: () => {} },
    caller,
    endpoints: local?.endpoints,
    report,
    signal,
    store,
    fence: (assert) => {
      assertMayWrite = assert;
    },
    directory: home,
    [Symbol.asyncDispose]: async () => {
      await local?.release();
    },
  };
}

async function openLocal(report: Report, signal: AbortSignal) {
  const { openLocalAws, releaseLocalAws } = await import("./local/local-aws.ts");
  const directory = `${home}/local`;
  const aws = await openLocalAws({ directory, signal, note: (text) => report.message(text) });
  return { ...aws, release: () => releaseLocalAws({ directory }) };
}

async function askWhoCalls(clients: Clients): Promise<{ account: string; caller: string }> {
  const { Account, Arn } = await clients.sts.send(new GetCallerIdentityCommand({}));
  if (Account === undefined || Arn === undefined) throw new TypeError("GetCallerIdentity names no account");
  return { account: Account, caller: Arn };
}

function refuseWrites(command: string): () => never {
  return () => {
    throw new BerthError({
      code: "WriteRefused",
      message: `${command} only reads, but something in it tried to write to AWS; the call was not sent`,
      hint: "this is a mistake in Berth: please report it",
    });
  };
}
