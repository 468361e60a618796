import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { setMaxListeners } from "node:events";
import type { Scope } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openStateStore, type StateStore } from "../../state/store.ts";
import { type ClientOptions, type Clients, createClients, type Endpoints } from "../aws/clients.ts";
import { resourceTags } from "../aws/tags.ts";
import { type Config, loadConfig } from "../config/load.ts";
import type { Identify } from "../engine/read.ts";
import { BerthError } from "../errors.ts";
import type { Flags } from "./flags.ts";
import { fromRoot } from "../paths.ts";
import { ensurePrivateHome } from "../private-files.ts";
import type { Report, Tally } from "../report/report.ts";
import type { ReadContext } from "../contract/resource.ts";
import { type StackNames, stackNames } from "../stack.ts";

/** What a command works with: all that holds for its whole life, computed once. It can only read; lib/deploy/lease.ts writes. */
export interface Session extends AsyncDisposable {
  readonly config: Config;
  readonly flags: Flags;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly ctx: ReadContext;
  /** ARN of whoever runs this. */
  readonly caller: string;
  readonly endpoints: Endpoints | undefined;
  /** What is called by a name that Berth derives. */
  readonly names: StackNames;
  /** Whose a state document has to be. */
  readonly scope: Scope;
  /** Where state and lease are kept. */
  readonly store: ObjectStore;
  readonly state: StateStore;
  readonly identify: Identify;
  /** The pin under which the state document keeps the chosen machine image. */
  readonly imagePin: string;
  /** Files that belong beside the user: receipts, a state document that could not be saved. */
  readonly directory: string;
  /** Where a state document is kept that could not be saved. */
  readonly rescueFile: string;
  /** More clients over the same connections; `beforeWrite` is asked before each call that isn't a read. */
  readonly openClients: (beforeWrite: ClientOptions["beforeWrite"]) => Clients;
}

export interface SessionOptions {
  readonly flags: Flags;
  /** Of the command, for what is told of it. */
  readonly name: string;
  /** False where the app's source needn't be there. */
  readonly usesSource: boolean;
  readonly report: Report;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** Where Berth keeps what belongs to this computer: receipts, unsaved state, the embedded AWS. BERTH_HOME moves it. */
const home = process.env["BERTH_HOME"] ?? fromRoot(".berth");

/** Reads the configuration, opens AWS (or the embedded one) and asks it who is calling. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { flags, usesSource, report, signal } = options;
  // Every resource may wait at once, and each wait listens; Node takes more than ten for a leak and says so.
  setMaxListeners(0, signal);
  const config = await loadConfig(flags.config, { stack: flags.stack, usesSource });
  await ensurePrivateHome(home);
  const local = flags.local ? await openLocal(report, signal) : undefined;
  const { clients, openClients } = connect(config, local, options);
  const { account, caller } = await askWhoCalls(clients);
  const { stack, region } = config;
  const names = stackNames(config, account);
  const scope = { stack, account, region };
  const store =
    config.state.backend === "file"
      ? openFileStore(`${config.state.path}/${stack}/${region}`)
      : openS3Store({ client: openClients(undefined).s3, bucket: names.bucket, account });

  return {
    config,
    flags,
    report,
    signal,
    ctx: { clients, account, region, signal, note: () => {} },
    caller,
    endpoints: local?.endpoints,
    names,
    scope,
    store,
    state: openStateStore(store, scope),
    identify: identifierOf(config),
    imagePin: `image.${config.instance.os}`,
    directory: home,
    rescueFile: `${home}/unsaved/${stack}-${region}.json`,
    openClients,
    [Symbol.asyncDispose]: async () => {
      await local?.release();
    },
  };
}

async function openLocal(report: Report, signal: AbortSignal) {
  const { openLocalAws, releaseLocalAws } = await import("../local/local-aws.ts");
  const directory = `${home}/local`;
  const aws = await openLocalAws({ directory, signal, note: (text) => report.message(text) });
  return { ...aws, release: () => releaseLocalAws({ directory }) };
}

/** Clients that refuse to write, and the way to others. */
function connect(
  { region }: Config,
  local: Pick<ClientOptions, "endpoints" | "credentials"> | undefined,
  { name, tally }: SessionOptions,
) {
  const { endpoints, credentials } = local ?? {};
  const access = { region, endpoints, credentials, onCall: tally.calls.push.bind(tally.calls) };
  const clients = createClients({ ...access, beforeWrite: refuseWrites(name) });
  const openClients: Session["openClients"] = (beforeWrite) =>
    createClients({ ...access, beforeWrite, connectionsOf: clients });
  return { clients, openClients };
}

function refuseWrites(command: string): () => never {
  return () => {
    throw new BerthError({
      code: "WriteRefused",
      message: `something in ${command} tried to write to AWS without the lease; the call was not sent`,
      hint: "this is a mistake in Berth: please report it",
    });
  };
}

async function askWhoCalls(clients: Clients): Promise<{ account: string; caller: string }> {
  const { Account, Arn } = await clients.sts.send(new GetCallerIdentityCommand({}));
  if (Account === undefined || Arn === undefined) throw new TypeError("GetCallerIdentity names no account");
  return { account: Account, caller: Arn };
}

/** Ownership tags go over the user's, so that no configuration can claim another stack's things. */
function identifierOf({ stack, tags }: Config): Identify {
  return (name, generation, { lineage }) => ({
    stack,
    name,
    generation,
    lineage,
    tags: resourceTags({ stack, name, generation }, { Name: `${stack}/${name}`, ...tags }),
  });
}
