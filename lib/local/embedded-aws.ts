import { join } from "node:path";
import type { Endpoints } from "../aws/clients.ts";
import { connectEngine } from "../docker/engine.ts";
import { openAuthority } from "./network/certificate-authority.ts";
import { keyOf } from "./control/messages.ts";
import { Disposables } from "./disposables.ts";
import type { LocalCredentials } from "./account/drawn-credentials.ts";
import { RoleKeys } from "./account/role-keys.ts";
import { readRolePolicies } from "./account/role-policies.ts";
import { machineDoor } from "./account/doors.ts";
import { localAccount, startEmulators } from "./emulators/emulators.ts";
import { startPortForwarder } from "./network/port-forwarder.ts";
import { startMachineGateway, type ObservedCall } from "./network/gateway.ts";
import { removeEarlierRun } from "./earlier-run.ts";
import { ensureBootImage } from "./machines/boot-image.ts";
import { createMachineNetwork } from "./network/machine-network.ts";
import { Machines } from "./machines/machines.ts";
import { startMetadataService } from "./machines/metadata-service.ts";
import { startNetworkGuard } from "./network/network-guard.ts";
import { startNameServer } from "./network/name-server.ts";
import { RegionalClients } from "./emulators/regional-clients.ts";
import { listResourcesLeft } from "./emulators/resources-left.ts";

/** The whole of it: emulators, machines, and what stands between them. */
export interface EmbeddedAws extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /** Settles when an emulator has ended: there is nothing to go on with then. */
  readonly broken: Promise<void>;
  /** Names of what somebody made and hasn't removed. */
  listResourcesLeft(): Promise<string[]>;
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
 * @throws BerthError `NoPythonEnvironment`, `EmulatorFailed`, `NoDockerEngine`, `BootImageFailed`.
 */
export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  await using parts = new Disposables();
  const { directory, signal, note, log } = options;
  const key = keyOf(directory);
  const labels = { "dev.berth.local": key };
  const docker = await connectEngine();
  const left = await removeEarlierRun(docker, labels);
  if (left.length > 0) log(`Removed what an earlier run left: ${left.join(", ")}`);
  const image = await ensureBootImage({ docker, note, signal });
  signal.throwIfAborted();

  note("starting the embedded AWS");
  const emulators = parts.use(
    await startEmulators({ logDirectory: join(directory, "logs"), onCall: (call) => noteCall(call) }),
  );
  const authority = await openAuthority(join(directory, "authority"));
  const network = parts.use(await createMachineNetwork(docker, `berth-local-${key}`, labels));
  const name = `berth-local-${key}-forwarder`;
  const forwarder = parts.use(await startPortForwarder({ docker, image, name, labels, log }));

  const clients = new RegionalClients(emulators);
  let machines: Machines | undefined;
  const noteCall = (call: ObservedCall): void => {
    if (call.service !== "ec2") return;
    clients.get(call.region);
    if (machines !== undefined) follow(machines, call.parameters, log);
  };
  const { gateway: address } = network;
  const keys = new RoleKeys();
  const door = machineDoor({
    account: localAccount,
    keys,
    // IAM is the same from any region; a region of the machine's choice would be followed from then on.
    readPolicies: (role) => readRolePolicies(clients.get(clients.regions()[0] ?? "us-east-1").iam, role),
  });
  const { backends } = emulators;
  const tls = parts.use(await startMachineGateway({ backends, door, authority, address }));
  const names = parts.use(await startNameServer(address));
  const metadata = parts.use(
    await startMetadataService({
      address,
      findSource: async (from) => machines?.findSource(from),
      onError: (error) => log(`The metadata service failed: ${String(error)}`),
    }),
  );
  const ports = { metadata: metadata.port, tls: tls.port, names: names.port };
  const guard = { docker, image, name: `berth-local-${key}-guard`, labels, ports };
  parts.use(await startNetworkGuard({ ...guard, bridge: network.bridge, gateway: address }));
  const environment = {
    GATEWAY: address,
    METADATA_PORT: String(metadata.port),
    NAMES_PORT: String(names.port),
    TLS_PORT: String(tls.port),
    AUTHORITY: authority.certificate,
  };
  const settings = { docker, image, network: network.name, labels, environment };
  machines = parts.use(new Machines({ settings, forwarder, clients, keys, log }));
  const kept = parts.move();
  return {
    endpoints: emulators.endpoints,
    credentials: emulators.credentials,
    broken: emulators.ended,
    listResourcesLeft: () => listResourcesLeft(clients),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** Calls after which a machine may have to be something else than it is. */
const changes = /^(?:Run|Start|Stop|Terminate|Associate|Disassociate|Authorize|Revoke|Modify|Release|Delete)/;

function follow(machines: Machines, parameters: URLSearchParams, log: (text: string) => void): void {
  const action = parameters.get("Action") ?? "";
  if (changes.test(action)) machines.reconcile();
  if (action !== "RebootInstances") return;
  for (const [name, id] of parameters) {
    if (!name.startsWith("InstanceId.")) continue;
    machines.reboot(id).catch((error: unknown) => log(`${id}: reboot failed: ${String(error)}`));
  }
}
