import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type Docker from "dockerode";
import type { Endpoints } from "../aws/clients.ts";
import { connectDocker } from "../docker/connection.ts";
import { openAuthority, type CertificateAuthority } from "./network/certificate-authority.ts";
import { keyOf, webAuthorityFile } from "./control/messages.ts";
import { Disposables } from "./disposables.ts";
import { drawSecret, type LocalCredentials } from "./account/drawn-credentials.ts";
import { RoleKeys } from "./account/role-keys.ts";
import { readRolePolicies } from "./account/role-policies.ts";
import { machineDoor } from "./account/doors.ts";
import { authorityUser, startAuthority, type Authority } from "./emulators/authority.ts";
import { localAccount, startEmulators } from "./emulators/emulators.ts";
import { startPortForwarder } from "./network/port-forwarder.ts";
import { startMachineGateway, type Backends, type ObservedCall } from "./network/gateway.ts";
import { removeEarlierRun } from "./earlier-run.ts";
import { ensureBootImage } from "./machines/boot-image.ts";
import { createMachineNetwork, type MachineNetwork } from "./network/machine-network.ts";
import { Disks } from "./machines/disks.ts";
import { Machines } from "./machines/machines.ts";
import { startMetadataService, type MetadataServiceOptions } from "./machines/metadata-service.ts";
import { startNetworkGuard, type NetworkGuardOptions } from "./network/network-guard.ts";
import { startNameServer } from "./network/name-server.ts";
import { RegionalClients } from "./emulators/regional-clients.ts";
import { addressesInZones, answerFromZones } from "./emulators/zone-names.ts";
import { listResourcesLeft } from "./emulators/resources-left.ts";

/** The whole embedded AWS: emulators, machines, and the network between them. */
export interface EmbeddedAws extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /** `address:port` of the machines' name server. */
  readonly nameServer: string;
  /** Settles when an emulator has ended. The embedded AWS can't go on without it. */
  readonly broken: Promise<void>;
  /** Names of the resources that were created and not deleted yet. */
  listResourcesLeft(): Promise<string[]>;
}

export interface EmbeddedAwsOptions {
  /** Holds logs and keys. The caller must hold the directory's lock. */
  readonly directory: string;
  /** Aborts the start. */
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly log: (text: string) => void;
}

/**
 * Starts the embedded AWS. When a part fails to start, those started before it are stopped.
 *
 * @throws BerthError `NoPythonEnvironment`, `EmulatorFailed`, `NoDockerEngine`, `BootImageFailed`, `NoNetworkGuard`.
 */
export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  await using parts = new Disposables();
  const { directory, signal, note, log } = options;
  const engine = await prepareEngine(options);
  signal.throwIfAborted();

  note("starting the embedded AWS");
  let machines: Machines | undefined;
  const onCall = (call: ObservedCall): void => {
    if (call.service === "route53" && call.method !== "GET") void tellNames();
    if (call.service !== "ec2") return;
    clients.get(call.region);
    if (machines !== undefined) follow(machines, call.parameters, log);
  };
  const emulators = parts.use(await startEmulators({ logDirectory: join(directory, "logs"), onCall }));
  const clients = new RegionalClients(emulators);
  const keys = new RoleKeys();
  const authority = await openAuthority(join(directory, "authority"));
  const network = parts.use(await createMachineNetwork(engine.docker, engine.prefix, engine.labels));
  const forwarder = parts.use(
    await startPortForwarder({ ...engine, name: `${engine.prefix}-forwarder`, log }),
  );
  const acme = startAcme(options, engine);
  parts.use({
    [Symbol.asyncDispose]: async () => (await acme.catch(() => undefined))?.[Symbol.asyncDispose](),
  });
  /** The authority asks no name server, so it is told what the zones say after each change. */
  const tellNames = async () => {
    try {
      (await acme).setNames(await addressesInZones(anyRegion(clients)));
    } catch (error) {
      log(`The certificate authority isn't told the names: ${String(error)}`);
    }
  };
  const findSource = async (from: string) => machines?.findSource(from);
  const services = parts.use(
    await startServices({
      backends: emulators.backends,
      clients,
      keys,
      authority,
      acme,
      network,
      findSource,
      log,
    }),
  );
  const { bridge, gateway } = network;
  const guard = {
    ...engine,
    name: `${engine.prefix}-guard`,
    bridge,
    gateway,
    authorityUser,
    ports: services.ports,
  };
  parts.use(await startNetworkGuard(guard));
  const environment = environmentOf(network, services.ports, authority);
  const settings = { ...engine, network: network.name, environment };
  const disks = parts.use(new Disks({ ...engine, name: `${engine.prefix}-disks`, log }));
  machines = parts.use(new Machines({ settings, forwarder, clients, disks, keys, log }));
  const kept = parts.move();
  return {
    endpoints: emulators.endpoints,
    credentials: emulators.credentials,
    nameServer: `${network.gateway}:${services.ports.names}`,
    broken: emulators.ended,
    listResourcesLeft: () => listResourcesLeft(clients),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** Removes what an earlier run left on the engine, and ensures the image that machines boot from. */
async function prepareEngine({ directory, signal, note, log }: EmbeddedAwsOptions) {
  const key = keyOf(directory);
  const labels = { "dev.berth.local": key };
  const docker = await connectDocker();
  const left = await removeEarlierRun(docker, labels);
  if (left.length > 0) log(`Removed what an earlier run left: ${left.join(", ")}`);
  // Tests boot other images, such as one without the packages.
  const image = process.env["BERTH_BOOT_IMAGE"] ?? (await ensureBootImage({ docker, note, signal }));
  return { docker, image, labels, prefix: `berth-local-${key}` };
}

/**
 * Starts Let's Encrypt's stand-in beside everything else: the first time it has to be built, which no boot waits for. Without
 * it, machines get no certificates, and everything else goes on.
 */
function startAcme(
  { directory, signal, note, log }: EmbeddedAwsOptions,
  { docker, labels, prefix }: { docker: Docker; labels: Readonly<Record<string, string>>; prefix: string },
): Promise<Authority> {
  const name = `${prefix}-authority`;
  const file = join(directory, webAuthorityFile);
  const starting = (async () => {
    await rm(file, { force: true });
    const secret = drawSecret();
    const lasting = certificateSeconds();
    const authority = await startAuthority({ docker, name, labels, secret, signal, note, log, ...lasting });
    await writeFile(file, authority.root);
    return authority;
  })();
  starting.catch((error: unknown) => log(`There is no certificate authority: ${String(error)}`));
  return starting;
}

/** For those who want to see renewals: BERTH_CERTIFICATE_SECONDS makes all certificates last that long. */
function certificateSeconds() {
  const seconds = Number(process.env["BERTH_CERTIFICATE_SECONDS"] ?? 0);
  return seconds > 0 ? { validSeconds: { shortlived: seconds, classic: seconds } } : {};
}

/** The services of this computer that machines may reach, each at a port of the network's gateway. */
interface Services extends AsyncDisposable {
  readonly ports: NetworkGuardOptions["ports"];
}

/** IAM and Route 53 are the same from every region. A region that a machine chose would be watched from then on. */
const anyRegion = (clients: RegionalClients) => clients.get(clients.regions()[0] ?? "us-east-1");

interface ServicesOptions {
  readonly backends: Backends;
  readonly clients: RegionalClients;
  readonly keys: RoleKeys;
  readonly authority: CertificateAuthority;
  readonly acme: Promise<Authority>;
  readonly network: MachineNetwork;
  readonly findSource: MetadataServiceOptions["findSource"];
  readonly log: (text: string) => void;
}

async function startServices(options: ServicesOptions): Promise<Services> {
  await using parts = new Disposables();
  const { backends, clients, keys, authority, acme, network, findSource, log } = options;
  const address = network.gateway;
  const door = machineDoor({
    account: localAccount,
    keys,
    readPolicies: (role) => readRolePolicies(anyRegion(clients).iam, role),
  });
  const tls = parts.use(await startMachineGateway({ backends, door, authority, acme, address }));
  const names = parts.use(
    await startNameServer(address, (question) => answerFromZones(anyRegion(clients), question)),
  );
  const onError = (error: unknown) => log(`The metadata service failed: ${String(error)}`);
  const metadata = parts.use(await startMetadataService({ address, findSource, onError }));
  const kept = parts.move();
  return {
    ports: { metadata: metadata.port, tls: tls.port, names: names.port },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** The environment of `prepare` in a machine. */
function environmentOf(
  { gateway }: MachineNetwork,
  ports: Services["ports"],
  { certificate }: CertificateAuthority,
): Record<string, string> {
  return {
    GATEWAY: gateway,
    METADATA_PORT: String(ports.metadata),
    NAMES_PORT: String(ports.names),
    TLS_PORT: String(ports.tls),
    AUTHORITY: certificate,
  };
}

/** Calls after which the machines may have to change. */
const changes =
  /^(?:Run|Start|Stop|Terminate|Attach|Detach|CreateVolume|CreateSnapshot|Associate|Disassociate|Authorize|Revoke|Modify|Release|Delete)/;

function follow(machines: Machines, parameters: URLSearchParams, log: (text: string) => void): void {
  const action = parameters.get("Action") ?? "";
  if (changes.test(action)) machines.reconcile();
  if (action !== "RebootInstances") return;
  for (const [name, id] of parameters) {
    if (!name.startsWith("InstanceId.")) continue;
    machines.reboot(id).catch((error: unknown) => log(`${id}: reboot failed: ${String(error)}`));
  }
}
