import { paginateDescribeSnapshots, paginateDescribeVolumes, type Volume } from "@aws-sdk/client-ec2";
import { collect } from "../../toolkit/pages.ts";
import type { Clients } from "../../aws/clients.ts";
import type { RegionalClients } from "../emulators/regional-clients.ts";
import type { DiskAnswer, Disks, DiskWish } from "./disks.ts";
import { diskNumber } from "./disk-number.ts";
import { type Machine, type MachineSettings, shellIn } from "./machine.ts";

/** The device names of the disks that machines boot from. A machine's own disk is its container's. */
const bootDevices = new Set(["/dev/xvda", "/dev/sda1"]);
const isBootDisk = ({ Attachments = [] }: Volume): boolean =>
  Attachments.some(({ Device = "" }) => bootDevices.has(Device));

export interface DiskOptions {
  readonly settings: MachineSettings;
  readonly disks: Disks;
  readonly clients: RegionalClients;
  readonly log: (text: string) => void;
}

/**
 * Brings the disks in line with the API, and shows each in the machine that it is attached to. Returns false if one is still
 * in use where it was before.
 */
export async function attachDisks(options: DiskOptions, machines: readonly Machine[]): Promise<boolean> {
  const { clients, disks, log } = options;
  const lists = await Promise.all(clients.regions().map((region) => listVolumes(clients.get(region))));
  const volumes = lists.flat();
  if (volumes.length === 0 && !disks.isStarted) return true;
  const snapshots = await Promise.all(clients.regions().map((region) => listSnapshots(clients.get(region))));
  const wish = wishOf(volumes, snapshots.flat());
  const answer = await disks.set(wish);
  if (answer.problem !== undefined) log(`A disk failed: ${answer.problem}`);
  await Promise.all(
    machines
      .filter(({ running }) => running)
      .map((machine) => showDisks(options, machine, { volumes, answer })),
  );
  return answer.problem === undefined && Object.keys(answer.attached).length === wish.attachments.length;
}

async function listVolumes({ ec2 }: Clients): Promise<Volume[]> {
  const all = await collect(paginateDescribeVolumes({ client: ec2 }, {}), ({ Volumes = [] }) => Volumes);
  return all.filter((volume) => !isBootDisk(volume));
}

/** Only tagged ones: the emulator has a thousand others, of Amazon's images. */
async function listSnapshots({ ec2 }: Clients) {
  const Filters = [{ Name: "tag-key", Values: ["*"] }];
  return collect(paginateDescribeSnapshots({ client: ec2 }, { Filters, OwnerIds: ["self"] }), (page) =>
    (page.Snapshots ?? []).flatMap(({ SnapshotId: id, VolumeId: volume }) =>
      id === undefined || volume === undefined ? [] : [{ id, volume }],
    ),
  );
}

const holderOf = ({ Attachments = [] }: Volume): string | undefined => Attachments[0]?.InstanceId;

function wishOf(volumes: readonly Volume[], snapshots: DiskWish["snapshots"]): DiskWish {
  return {
    volumes: volumes.map(({ VolumeId: id = "", Size: gib = 1, SnapshotId: from }) => ({
      id,
      gib,
      ...(from ? { from } : {}),
    })),
    snapshots,
    attachments: volumes.flatMap((volume) => {
      const holder = holderOf(volume);
      return holder === undefined ? [] : [{ volume: volume.VolumeId ?? "", number: diskNumber(holder) }];
    }),
  };
}

interface Shown {
  readonly volumes: readonly Volume[];
  readonly answer: DiskAnswer;
}

/**
 * Makes the nodes that a Nitro instance has: the disk, and its name by serial number, which is the volume's id. A machine has
 * no udev that would.
 */
async function showDisks(
  { settings, log }: DiskOptions,
  machine: Machine,
  { volumes, answer }: Shown,
): Promise<void> {
  const own = volumes.filter((volume) => holderOf(volume) === machine.id);
  const shown = own.flatMap(({ VolumeId = "" }) => {
    const number = answer.attached[VolumeId];
    return number === undefined ? [] : [{ name: `${byId}_${VolumeId.replace("-", "")}`, number }];
  });
  const script = [
    "mkdir -p /dev/disk/by-id",
    `find /dev/disk/by-id -name 'nvme-*' ${shown.map(({ name }) => `! -path ${name}`).join(" ")} -delete`,
    shown.length === 0 ? "rm -f /dev/nvme1n1" : "true",
    ...shown.flatMap(({ name, number }) => [
      `test -b /dev/nvme1n1 || mknod -m 0600 /dev/nvme1n1 b 7 ${number}`,
      `ln -sf ../../nvme1n1 ${name}`,
    ]),
  ].join(" && ");
  await shellIn(settings, machine, script).catch((error: unknown) =>
    log(`${machine.id}: its disks can't be shown: ${String(error)}`),
  );
}

const byId = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store";
