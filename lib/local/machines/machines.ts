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
import { attachDisks } from "./attached-disks.ts";
import type { Disks } from "./disks.ts";
import type { RegionalClients } from "../emulators/regional-clients.ts";

export interface MachinesOptions {
  readonly settings: MachineSettings;
  readonly forwarder: PortForwarder;
  readonly clients: RegionalClients;
  readonly disks: Disks;
  /** Records each key that a machine gets. The machines' gateway accepts no other. */
  readonly keys: RoleKeys;
  readonly log: (text: string) => void;
}

const live: ReadonlySet<string> = new Set(["pending", "running"]);
const resting: ReadonlySet<string> = new Set(["stopping", "stopped"]);

/**
 * How often to look for machines that ended by themselves, as in a reboot from inside. Changes by calls are followed at
 * once.
 */
const watchIntervalMs = 1000;

/** Keeps the machines in line with the instances in the API: running, stopped or gone, and open to whom the rules allow. */
export class Machines implements AsyncDisposable {
  readonly #options: MachinesOptions;
  #instances: ReadonlyMap<string, DescribedInstance> = new Map();
  #reconciling: Promise<void> | undefined;
  #isAskedFor = false;
  /** True when the last reconciliation failed, or a port couldn't be opened. */
  #isUnsettled = false;
  #isEnding = false;
  /** Steps under way, by instance. A reconciliation never waits for one, and never starts a second for the same instance. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #watch: NodeJS.Timeout;

  constructor(options: MachinesOptions) {
    this.#options = options;
    this.#watch = setInterval(() => {
      this.#findDeviation().catch((error: unknown) => options.log(`Watching failed: ${String(error)}`));
    }, watchIntervalMs);
  }

  /** Reconciles soon, because something may have changed. */
  reconcile(): void {
    if (this.#isEnding) return;
    this.#isAskedFor = true;
    this.#reconciling ??= this.#reconcileUntilSettled().finally(() => {
      this.#reconciling = undefined;
      // Another reconciliation was requested after the last one began.
      if (this.#isAskedFor) this.reconcile();
    });
  }

  /** Restarts a machine, as RebootInstances does. Unknown ids are ignored. */
  async reboot(instanceId: string): Promise<void> {
    const { settings } = this.#options;
    const machine = (await listMachines(settings)).find(({ id }) => id === instanceId);
    if (machine === undefined) return;
    this.#take(instanceId, { name: "reboot", run: () => rebootMachine(settings, machine) });
  }

  /** The source of the metadata for the machine at this address. */
  async findSource(address: string): Promise<MetadataSource | undefined> {
    const machine = (await listMachines(this.#options.settings)).find((each) => each.address === address);
    const instance = this.#instances.get(machine?.id ?? "");
    return instance === undefined ? undefined : sourceOf(this.#options, instance);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { settings } = this.#options;
    this.#isEnding = true;
    clearInterval(this.#watch);
    await this.#reconciling;
    await Promise.all(this.#underWay.values());
    const machines = await listMachines(settings);
    await Promise.all(machines.map((machine) => removeMachine(settings, machine)));
  }

  async #reconcileUntilSettled(): Promise<void> {
    while (this.#isAskedFor && !this.#isEnding) {
      this.#isAskedFor = false;
      this.#isUnsettled = !(await this.#reconcileOnce().catch((error: unknown) => {
        this.#options.log(`Reconciling failed: ${String(error)}`);
        return false;
      }));
    }
  }

  /** False when not all ports that the rules allow could be opened, or a disk isn't where it should be. */
  async #reconcileOnce(): Promise<boolean> {
    const { clients, settings } = this.#options;
    const described = await Promise.all(
      clients.regions().map((region) => listInstances(clients.get(region), region)),
    );
    this.#instances = new Map(described.flat().map((instance) => [instance.id, instance]));
    const machines = await listMachines(settings);
    for (const [id, step] of this.#stepsFor(machines)) this.#take(id, step);
    const [areAttached, areForwarded] = await Promise.all([
      attachDisks(this.#options, machines),
      this.#forwardPorts(machines),
    ]);
    return areAttached && areForwarded;
  }

  #stepsFor(machines: readonly Machine[]): (readonly [id: string, step: Step])[] {
    const byId = new Map(machines.map((machine) => [machine.id, machine]));
    const ids = new Set([...this.#instances.keys(), ...byId.keys()]);
    return [...ids].flatMap((id) => {
      const step = nextStep(this.#instances.get(id), byId.get(id), this.#options.settings);
      return step === undefined ? [] : [[id, step] as const];
    });
  }

  #take(id: string, step: Step): void {
    if (this.#underWay.has(id)) return;
    const { log } = this.#options;
    log(`${id}: ${step.name}`);
    const taken = step
      .run()
      .then(
        () => this.reconcile(),
        (error: unknown) => log(`${id}: ${step.name} failed: ${String(error)}`),
      )
      .finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, taken);
  }

  async #forwardPorts(machines: readonly Machine[]): Promise<boolean> {
    const { clients, forwarder } = this.#options;
    const ports = await Promise.all(
      machines.map(async (machine): Promise<ForwardedPort[]> => {
        const instance = this.#instances.get(machine.id);
        if (instance === undefined || machine.address === "") return [];
        const rules = await readRules(clients.get(instance.region), instance.securityGroups);
        return forwardedPortsOf(instance, rules, machine.address);
      }),
    );
    return forwarder.setPorts(ports.flat());
  }

  async #findDeviation(): Promise<void> {
    if (this.#isUnsettled) return this.reconcile();
    if (this.#instances.size === 0) return;
    const machines = await listMachines(this.#options.settings);
    if (this.#stepsFor(machines).length > 0) this.reconcile();
  }
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** The step that brings a machine to its instance's state in the API; undefined when it is in that state. */
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
        throw new BerthError({ code: "NoRole", message: `the instance ${instance.id} has no role` });
      }
      const credentials = await assumeRole(clients, role.arn, instance.id);
      options.keys.add(role.name, credentials);
      return credentials;
    },
  };
}
