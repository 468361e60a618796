import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { connectDocker } from "../../lib/docker/connection.ts";
import { removeContainer } from "../../lib/docker/container-removal.ts";
import { readRecords, recordedError } from "../../lib/docker/records.ts";
import { ensureBootImage } from "../../lib/local/machines/boot-image.ts";

/** The engine of Debian 13, which is newer than that of Debian 12, in a container of this computer's engine. */
export interface NewerEngine extends AsyncDisposable {
  readonly docker: Docker;
}

// The engine mounts /sys and /proc/sys read-only, and the one inside needs its own cgroups and network settings.
const script = `
for mount in /proc/sys $(awk '$5 ~ "^/sys/fs/cgroup(/|$)" && $6 ~ "^ro" {print $5}' /proc/self/mountinfo); do
  mount -o remount,bind,rw "$mount"
done
exec dockerd --host unix:///engine/docker.sock --iptables=false --ip6tables=false --bip 10.254.77.1/24
`;

/** Starts the engine, and gives it the image that the builds start from. */
export async function startNewerEngine(baseImage: string): Promise<NewerEngine> {
  const outer = await connectDocker();
  const folder = await mkdtemp(join(tmpdir(), "berth-engine-"));
  const container = await outer.createContainer({
    Image: await ensureBootImage({ docker: outer }),
    Entrypoint: ["sh", "-c", script],
    Volumes: { "/var/lib/docker": {} },
    HostConfig: {
      CapAdd: ["ALL"],
      CapDrop: ["SYS_RESOURCE"],
      SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"],
      MaskedPaths: [],
      ReadonlyPaths: [],
      Tmpfs: { "/run": "exec,mode=755" },
      Binds: [`${folder}:/engine`],
    },
  });
  const dispose = async () => {
    await removeContainer(container);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await container.start();
    const docker = new Docker({ socketPath: join(folder, "docker.sock") });
    await waitFor(docker);
    await copyImage(outer, docker, baseImage);
    return { docker, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function waitFor(docker: Docker): Promise<void> {
  const givenUpMs = performance.now() + 600_000;
  for (;;) {
    try {
      await docker.ping();
      return;
    } catch (error) {
      if (performance.now() > givenUpMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function copyImage(from: Docker, to: Docker, name: string): Promise<void> {
  const answer = await to.loadImage(await from.getImage(name).get());
  for await (const record of readRecords(answer)) {
    const reason = recordedError(record);
    if (reason !== undefined) throw new Error(reason);
  }
}
