import { join } from "node:path";
import type { Endpoints } from "../aws/clients.ts";
import { connectEngine } from "../docker/engine.ts";
import { openAuthority } from "./certificate-authority.ts";
import { keyOf } from "./control.ts";
import { Disposables } from "./disposables.ts";
import { startEmulators, type LocalCredentials } from "./emulators.ts";
import { startForwarder } from "./forwarder.ts";
import { startCommandGateway, startMachineGateway, type ObservedCall } from "./gateway.ts";
import { removeLeftovers } from "./leftovers.ts";
import { ensureMachineImage } from "./machine-image.ts";
import { createMachineNetwork } from "./machine-network.ts";
import { keepMachines, type Machines } from "./machines.ts";
import { startMetadataService } from "./metadata-service.ts";
import { startNameServer } from "./name-server.ts";
import { RegionalClients } from "./regional-clients.ts";
import { listRemains } from "./remains.ts";

/** The whole of it: emulators, machines, and what stands between them. */
export interface EmbeddedAws extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /** Settles when an emulator has ended: there is nothing to go on with then. */
  readonly broken: Promise<void>;
  /** Names of what somebody made and hasn't removed. */
  listRemains(): Promise<string[]>;
}

export interface EmbeddedAwsOptions {
  /** For logs and keys. Whoever calls holds the directory's lock. */
  readonly directory: string;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly log: (text: string) => void;
}

/**
 * Starts it; what was started already is taken back when a later part fails.
 *
 * @throws BerthError `NoPythonEnvironment`, `EmulatorFailed`, `NoDockerEngine`, `MachineImageFailed`.
 */
export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  await using parts = new Disposables();
  const { directory, signal, note, log } = options;
  const key = keyOf(directory);
  const labels = { "dev.berth.local": key };
  const docker = await connectEngine();
  const left = await removeLeftovers(docker, labels);
  if (left.length > 0) log(`Removed what an earlier run left: ${left.join(", ")}`);
  const image = await ensureMachineImage({ docker, note, signal });
  signal.throwIfAborted();

  note("starting the embedded AWS");
  const emulators = parts.use(await startEmulators({ logDirectory: join(directory, "logs") }));
  const authority = await openAuthority(join(directory, "authority"));
  const network = parts.use(await createMachineNetwork(docker, `berth-local-${key}`, labels));
  const name = `berth-local-${key}-forwarder`;
  const forwarder = parts.use(await startForwarder({ docker, image, name, labels, log }));

  const clients = new RegionalClients(emulators);
  let machines: Machines | undefined;
  const gateway = {
    moto: emulators.endpoints.ec2,
    ecr: emulators.endpoints.ecr,
    onCall: (call: ObservedCall) => {
      if (call.service !== "ec2") return;
      clients.get(call.region);
      if (machines !== undefined) follow(machines, call.parameters, log);
    },
  };
  const { gateway: address } = network;
  const tls = parts.use(await startMachineGateway({ ...gateway, authority, address }));
  const names = parts.use(await startNameServer(address));
  const metadata = parts.use(
    await startMetadataService({
      address,
      findSource: async (from) => machines?.findSource(from),
      onError: (error) => log(`The metadata service failed: ${String(error)}`),
    }),
  );
  const environment = {
    GATEWAY: address,
    METADATA_PORT: String(metadata.port),
    NAMES_PORT: String(names.port),
    TLS_PORT: String(tls.port),
    AUTHORITY: authority.certificate,
  };
  const settings = { docker, image, network: network.name, labels, environment };
  machines = parts.use(keepMachines({ settings, forwarder, clients, log }));
  const { port } = parts.use(await startCommandGateway(gateway));
  const url = `http://127.0.0.1:${port}`;
  const kept = parts.move();
  return {
    endpoints: { ...emulators.endpoints, ec2: url, iam: url, s3: url, ssm: url, sts: url },
    credentials: emulators.credentials,
    broken: emulators.ended,
    listRemains: () => listRemains(clients),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** Calls after which a machine may have to be something else than it is. */
const changes = /^(?:Run|Start|Stop|Terminate|Associate|Disassociate|Authorize|Revoke|Modify|Release|Delete)/;

function follow(machines: Machines, parameters: URLSearchParams, log: (text: string) => void): void {
  const action = parameters.get("Action") ?? "";
  if (changes.test(action)) machines.look();
  if (action !== "RebootInstances") return;
  for (const [name, id] of parameters) {
    if (!name.startsWith("InstanceId.")) continue;
    machines.reboot(id).catch((error: unknown) => log(`${id}: reboot failed: ${String(error)}`));
  }
}
