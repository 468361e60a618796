import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { removeContainer } from "../../docker/container-removal.ts";
import { separateOutput } from "../../docker/output.ts";
import type { DescribedInstance } from "./instances.ts";
import { diskNumber } from "./disk-number.ts";
import { machineRights } from "./machine-rights.ts";

/** Settings that all machines of one supervisor share. */
export interface MachineSettings {
  readonly docker: Docker;
  readonly image: string;
  readonly network: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Environment of `prepare`: where AWS is on the machines' network, and the certificate authority to trust. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A machine as the engine describes it now. */
export interface Machine {
  /** The instance's id, which is the container's name. */
  readonly id: string;
  readonly containerId: string;
  readonly running: boolean;
  /** The engine's text: `Exited (129) 2 seconds ago`. */
  readonly status: string;
  /** Its address on the machines' network; empty while the machine doesn't run. */
  readonly address: string;
}

/** The label that marks machines among all of a supervisor's containers. */
const machineLabel = "dev.berth.local.instance";

/** Lists all machines that have the labels, running or not. */
export async function listMachines(settings: MachineSettings): Promise<Machine[]> {
  const label = [machineLabel, ...Object.entries(settings.labels).map(([key, value]) => `${key}=${value}`)];
  const containers = await settings.docker.listContainers({ all: true, filters: { label } });
  return containers.map((container) => ({
    id: container.Labels[machineLabel] ?? "",
    containerId: container.Id,
    running: container.State === "running",
    status: container.Status,
    address: container.NetworkSettings?.Networks[settings.network]?.IPAddress ?? "",
  }));
}

/** Creates the machine and starts it. Its user data decides what it boots into. */
export async function bootMachine(settings: MachineSettings, instance: DescribedInstance): Promise<void> {
  const { id } = instance;
  const container = await settings.docker.createContainer({
    name: id,
    Hostname: instance.privateName.split(".")[0] ?? id,
    MacAddress: instance.macAddress,
    Image: settings.image,
    Labels: { ...settings.labels, [machineLabel]: id },
    Env: Object.entries(settings.environment).map(([name, value]) => `${name}=${value}`),
    // The engine inside needs file systems that support overlayfs on top.
    Volumes: { "/var/lib/docker": {}, "/var/lib/containerd": {} },
    HostConfig: hostConfig(settings.network, id),
  });
  try {
    await container.start();
  } catch (error) {
    await removeContainer(container);
    throw error;
  }
}

/** The machine runs a complete system, with its own cgroups, mounts, packet filter and engine. */
function hostConfig(network: string, id: string): Docker.HostConfig & { CgroupnsMode: "private" } {
  return {
    ...machineRights(),
    // The one disk that may be attached to it later.
    DeviceCgroupRules: [`b 7:${diskNumber(id)} rwm`],
    NetworkMode: network,
    UsernsMode: "host",
    CgroupnsMode: "private",
    Tmpfs: { "/run": "exec,mode=755", "/run/lock": "", "/tmp": "exec,mode=1777" },
  };
}

export async function startMachine(settings: MachineSettings, machine: Machine): Promise<void> {
  await settings.docker.getContainer(machine.containerId).start();
}

/** Shuts the machine down, as StopInstances does. Its disks stay. */
export async function stopMachine(settings: MachineSettings, machine: Machine): Promise<void> {
  await settings.docker.getContainer(machine.containerId).stop({ t: 30 });
}

export async function rebootMachine(settings: MachineSettings, machine: Machine): Promise<void> {
  await settings.docker.getContainer(machine.containerId).restart({ t: 30 });
}

/** Switches the machine off and removes its disks. "Already gone" counts as success. */
export async function removeMachine(settings: MachineSettings, machine: Machine): Promise<void> {
  await removeContainer(settings.docker.getContainer(machine.containerId));
}

/** Runs a script as root in a running machine. Throws with what it said when it fails. */
export async function shellIn(settings: MachineSettings, machine: Machine, script: string): Promise<void> {
  const exec = await settings.docker.getContainer(machine.containerId).exec({
    Cmd: ["sh", "-c", script],
    AttachStdout: true,
    AttachStderr: true,
  });
  const { stdout, stderr } = separateOutput(settings.docker, await exec.start({}));
  const [said, complained] = await Promise.all([text(stdout), text(stderr)]);
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${said}${complained}`.trim() || `exit ${ExitCode}`);
}
