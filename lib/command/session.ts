import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { setMaxListeners } from "node:events";
import { dirname, relative } from "node:path";
import type { Scope } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { type BucketLocation, openS3Store } from "../../state/s3-store.ts";
import { openStateStore, type StateStore } from "../../state/store.ts";
import { type ClientOptions, type Clients, createClients, type Endpoints } from "../aws/clients.ts";
import { checkEnvironment } from "../aws/environment.ts";
import { explainCredentials } from "../aws/credentials.ts";
import { resourceTags } from "../aws/tags.ts";
import { type Config, loadConfig } from "../config/load.ts";
import { findConfig } from "../config/location.ts";
import type { Identify } from "../engine/read.ts";
import { BerthError } from "../errors.ts";
import type { Flags } from "./flags.ts";
import { berthHome } from "../paths.ts";
import { ensurePrivateHome } from "../private-files.ts";
import type { Report, Tally } from "../report/report.ts";
import type { ReadContext } from "../contract/resource.ts";
import { type StackNames, stackNames } from "../stack.ts";

/** What stays the same for a whole command, computed once. Its clients only read; lib/deploy/lease.ts opens those that write. */
export interface Session extends AsyncDisposable {
  readonly config: Config;
  readonly flags: Flags;
  readonly report: Report;
  /** How many seconds each step of this run took that is done, by its name. */
  readonly phases: () => Readonly<Record<string, number>>;
  readonly signal: AbortSignal;
  readonly ctx: ReadContext;
  /** The caller's ARN. */
  readonly caller: string;
  readonly endpoints: Endpoints | undefined;
  /** The names that Berth derives for resources in AWS. */
  readonly names: StackNames;
  /** The stack, account and region that a state document must belong to. */
  readonly scope: Scope;
  /** Where state document and lease are stored. */
  readonly store: ObjectStore;
  readonly state: StateStore;
  readonly identify: Identify;
  /** The name of the pin that records the chosen machine image in the state document. */
  readonly imagePin: string;
  /** The folder for Berth's files on this computer, such as receipts and unsaved state documents. */
  readonly directory: string;
  /** The authority that certificates on the embedded AWS come from. Absent on AWS, where they come from a public one. */
  readonly authorityFile: string | undefined;
  /** `address:port` of the name server to ask about domains; absent for those of this computer. */
  readonly nameServer: string | undefined;
  /** The file for a state document that could not be saved. */
  readonly rescueFile: string;
  /** Opens more clients over the same connections. They call `beforeWrite` before each call that isn't a read. */
  readonly openClients: (beforeWrite: ClientOptions["beforeWrite"]) => Clients;
}

export interface SessionOptions {
  readonly flags: Flags;
  /** The command's name, for messages. */
  readonly name: string;
  /** False if the command doesn't need the app's source folder. */
  readonly usesSource: boolean;
  readonly report: Report;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** Reads the configuration, connects to AWS or the embedded AWS, and looks up the caller. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { flags, usesSource, report, signal } = options;
  // Every resource may wait at once, and each wait listens to the signal. Node warns of a leak above ten listeners.
  setMaxListeners(0, signal);
  const config = await loadConfig(await locateConfig(flags, report), { stack: flags.stack, usesSource });
  checkEnvironment({ usesEndpoints: !flags.local });
  const home = berthHome();
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
    phases: () => options.tally.seconds,
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
    authorityFile: local?.authorityFile,
    nameServer: process.env["BERTH_NAME_SERVER"] || local?.nameServer,
    rescueFile: `${home}/unsaved/${stack}-${region}.json`,
    openClients,
    [Symbol.asyncDispose]: async () => {
      await local?.release();
    },
  };
}

/** The stack's bucket, which hosts read and write wherever the state is kept. */
export const bucketOf = ({ ctx, names }: Session): BucketLocation => ({
  client: ctx.clients.s3,
  bucket: names.bucket,
  account: ctx.account,
});

/** Tells the user which file counts if it isn't in the current folder. */
async function locateConfig({ config }: Flags, report: Report): Promise<string> {
  if (config !== undefined) return config;
  const file = await findConfig(process.cwd());
  if (dirname(file) !== process.cwd()) report.message(`configuration: ${relative(process.cwd(), file)}`);
  return file;
}

async function openLocal(report: Report, signal: AbortSignal) {
  const { openLocalAws, releaseLocalAws } = await import("../local/local-aws.ts");
  const { webAuthorityFile } = await import("../local/control/messages.ts");
  const directory = `${berthHome()}/local`;
  const aws = await openLocalAws({ directory, signal, note: (text) => report.message(text) });
  const authorityFile = `${directory}/${webAuthorityFile}`;
  return { ...aws, authorityFile, release: () => releaseLocalAws({ directory }) };
}

/** Opens clients that refuse to write, and returns a function that opens others. */
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
  const asked = clients.sts.send(new GetCallerIdentityCommand({}));
  const { Account, Arn } = await asked.catch(async (error: unknown) => {
    throw await explainCredentials(error);
  });
  if (Account === undefined || Arn === undefined) throw new TypeError("GetCallerIdentity names no account");
  return { account: Account, caller: Arn };
}

/** Ownership tags override the user's, so that no configuration can claim another stack's resources. */
function identifierOf({ stack, tags }: Config): Identify {
  return (name, generation, { lineage }) => ({
    stack,
    name,
    generation,
    lineage,
    tags: resourceTags({ stack, name, generation }, { Name: `${stack}/${name}`, ...tags }),
  });
}
