import { BerthError } from "../../errors.ts";
import type { RoleKeys } from "../account/role-keys.ts";
import type { ForwardedPort, PortForwarder } from "../network/port-forwarder.ts";
import type { MetadataSource } from "./metadata.ts";
import {
  assumeRole,
  findRole,
  listInstances,
  readRules,
  readUserData,
  type DescribedInstance,
} from "./instances.ts";
import {
  bootMachine,
  listMachines,
  rebootMachine,
  removeMachine,
  startMachine,
  stopMachine,
  type Machine,
  type MachineSettings,
} from "./machine.ts";
import { forwardedPortsOf } from "./forwarded-ports.ts";
import type { RegionalClients } from "../emulators/regional-clients.ts";

export interface MachinesOptions {
  readonly settings: MachineSettings;
  readonly forwarder: PortForwarder;
  readonly clients: RegionalClients;
  /** Told of each key that a machine gets: no other is good at the machines' gateway. */
  readonly keys: RoleKeys;
  readonly log: (text: string) => void;
}

/** Keeps the machines to what the API says of the instances: running, stopped, gone, and open to whom the rules say. */
export interface Machines extends AsyncDisposable {
  /** Something may have changed: look soon. */
  look(): void;
  /** Restarts a machine, as RebootInstances asks; unknown ids are ignored. */
  reboot(instanceId: string): Promise<void>;
  /** What the metadata service tells the machine at this address. */
  findSource(address: string): Promise<MetadataSource | undefined>;
}

const live: ReadonlySet<string> = new Set(["pending", "running"]);
const resting: ReadonlySet<string> = new Set(["stopping", "stopped"]);

/** Calls are followed as they are made; only a machine that ends by itself, as in a reboot from inside, has to be noticed. */
const watchIntervalMs = 1000;

export function keepMachines(options: MachinesOptions): Machines {
  let instances = new Map<string, DescribedInstance>();
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  /** The last look failed, or a port couldn't be opened. */
  let unsettled = false;
  const ending = new AbortController();
  /** Steps under way by instance: a look never waits for one, and never starts a second. */
  const busy = new Map<string, Promise<void>>();

  const look = (): void => {
    if (ending.signal.aborted) return;
    lookAgain = true;
    looking ??= lookUntilSettled().finally(() => {
      looking = undefined;
      // Asked for between the last look and now.
      if (lookAgain) look();
    });
  };

  async function lookUntilSettled(): Promise<void> {
    while (lookAgain && !ending.signal.aborted) {
      lookAgain = false;
      unsettled = !(await lookOnce().catch(failed));
    }
  }

  function failed(error: unknown): false {
    options.log(`Looking failed: ${String(error)}`);
    return false;
  }

  /** False when the machines are not as open as the rules say. */
  async function lookOnce(): Promise<boolean> {
    const described = await Promise.all(
      options.clients.regions().map((region) => listInstances(options.clients.get(region), region)),
    );
    instances = new Map(described.flat().map((instance) => [instance.id, instance]));
    const machines = await listMachines(options.settings);
    const byId = new Map(machines.map((machine) => [machine.id, machine]));
    for (const id of new Set([...instances.keys(), ...byId.keys()])) {
      const step = nextStep(instances.get(id), byId.get(id), options.settings);
      if (step !== undefined) take(id, step);
    }
    return open(machines);
  }

  function take(id: string, step: Step): void {
    if (busy.has(id)) return;
    options.log(`${id}: ${step.name}`);
    const taken = step
      .run()
      .then(look, (error: unknown) => options.log(`${id}: ${step.name} failed: ${String(error)}`))
      .finally(() => busy.delete(id));
    busy.set(id, taken);
  }

  async function open(machines: readonly Machine[]): Promise<boolean> {
    const ports = await Promise.all(
      machines.map(async (machine): Promise<ForwardedPort[]> => {
        const instance = instances.get(machine.id);
        if (instance === undefined || machine.address === "") return [];
        const rules = await readRules(options.clients.get(instance.region), instance.securityGroups);
        return forwardedPortsOf(instance, rules, machine.address);
      }),
    );
    return options.forwarder.setPorts(ports.flat());
  }

  async function watch(): Promise<void> {
    if (unsettled) return look();
    if (instances.size === 0) return;
    const machines = await listMachines(options.settings);
    const byId = new Map(machines.map((machine) => [machine.id, machine]));
    const ids = [...instances.keys(), ...byId.keys()];
    if (ids.some((id) => nextStep(instances.get(id), byId.get(id), options.settings))) look();
  }
  const timer = setInterval(() => {
    watch().catch((error: unknown) => options.log(`Watching failed: ${String(error)}`));
  }, watchIntervalMs);

  return {
    look,
    reboot: async (instanceId) => {
      const machine = (await listMachines(options.settings)).find(({ id }) => id === instanceId);
      if (machine === undefined) return;
      take(instanceId, { name: "reboot", run: () => rebootMachine(options.settings, machine) });
    },
    findSource: async (address) => {
      const machine = (await listMachines(options.settings)).find((each) => each.address === address);
      const instance = instances.get(machine?.id ?? "");
      return instance === undefined ? undefined : sourceOf(options, instance);
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      clearInterval(timer);
      await looking;
      await Promise.all(busy.values());
      const machines = await listMachines(options.settings);
      await Promise.all(machines.map((machine) => removeMachine(options.settings, machine)));
    },
  };
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What brings a machine to where the API says its instance is; undefined when it is there. */
function nextStep(
  instance: DescribedInstance | undefined,
  machine: Machine | undefined,
  settings: MachineSettings,
): Step | undefined {
  const state = instance?.state ?? "terminated";
  if (machine === undefined) {
    if (instance === undefined || !live.has(state)) return undefined;
    return { name: "boot", run: () => bootMachine(settings, instance) };
  }
  if (live.has(state)) {
    const name = `start, after ${machine.status}`;
    return machine.running ? undefined : { name, run: () => startMachine(settings, machine) };
  }
  if (resting.has(state)) {
    return machine.running ? { name: "stop", run: () => stopMachine(settings, machine) } : undefined;
  }
  return { name: "remove", run: () => removeMachine(settings, machine) };
}

async function sourceOf(options: MachinesOptions, instance: DescribedInstance): Promise<MetadataSource> {
  const clients = options.clients.get(instance.region);
  const [userData, role] = await Promise.all([
    readUserData(clients, instance.id),
    findRole(clients, instance.profileArn),
  ]);
  return {
    instance,
    userData,
    roleName: role?.name,
    credentials: async () => {
      if (role === undefined) {
        throw new BerthError({ code: "NoRole", message: `The instance ${instance.id} has no role` });
      }
      const credentials = await assumeRole(clients, role.arn, instance.id);
      options.keys.add(role.name, credentials);
      return credentials;
    },
  };
}
