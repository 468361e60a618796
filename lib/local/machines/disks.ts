import { readFile } from "node:fs/promises";
import type Docker from "dockerode";
import { type AttachedContainer, startAttachedContainer } from "../../docker/attached-container.ts";
import { fromRoot } from "../../paths.ts";

/** Everything that the volumes and snapshots of the embedded AWS should be. */
export interface DiskWish {
  readonly volumes: readonly { readonly id: string; readonly gib: number; readonly from?: string }[];
  readonly snapshots: readonly { readonly id: string; readonly volume: string }[];
  /** `number`: of the loop device that the machine may open. */
  readonly attachments: readonly { readonly volume: string; readonly number: number }[];
}

export interface DiskAnswer {
  /** Number of the loop device, by volume. */
  readonly attached: Readonly<Record<string, number>>;
  /** Volumes that are still mounted in the machine that they were detached from. */
  readonly leaving: readonly string[];
  readonly problem?: string;
}

export interface DisksOptions {
  readonly docker: Docker;
  /** Any image that contains Python 3. */
  readonly image: string;
  /** Name of the container, and of the engine's volume that holds the image files. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
}

/**
 * Real disks for the data volumes: image files in a volume of the engine, behind loop devices. Its container may open loop
 * devices and no other disk of this computer, and is started only when there is a data volume.
 */
export class Disks implements AsyncDisposable {
  readonly #options: DisksOptions;
  #started: Promise<AttachedContainer> | undefined;

  constructor(options: DisksOptions) {
    this.#options = options;
  }

  get isStarted(): boolean {
    return this.#started !== undefined;
  }

  async set(wish: DiskWish): Promise<DiskAnswer> {
    this.#started ??= start(this.#options);
    const keeper = await this.#started;
    keeper.write(JSON.stringify(wish));
    const answer = await keeper.readLine();
    if (answer === undefined) throw new Error("The keeper of the disks has ended");
    const told: DiskAnswer = JSON.parse(answer);
    return told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#started === undefined) return;
    await (await this.#started)[Symbol.asyncDispose]();
    await this.#options.docker.getVolume(this.#options.name).remove();
  }
}

async function start({ docker, log, ...named }: DisksOptions): Promise<AttachedContainer> {
  const source = await readFile(fromRoot("lib/local/machines/disks.py"), "utf8");
  await docker.createVolume({ Name: named.name, Labels: { ...named.labels } });
  return startAttachedContainer(docker, {
    ...named,
    command: ["python3", "-Iuc", source],
    capabilities: ["SYS_ADMIN", "MKNOD"],
    storage: { binds: [`${named.name}:/disks`], deviceRules: ["b 7:* rwm", "c 10:237 rwm"] },
    takesBack: true,
    onComplaint: (text) => log(`The keeper of the disks says: ${text.trimEnd()}`),
  });
}
