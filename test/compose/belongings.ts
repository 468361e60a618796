import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";

/** A user's things that exist before a smoke test and must be unchanged after it. */
export interface Belongings extends AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  /** Reads the ids, contents and checksums of all of them. */
  look(): Promise<object>;
}

const image = "debian:trixie-slim";

/** Creates data in two volumes, a folder and a file, a network, a running container, and a tagged image. */
export async function makeBelongings(docker: Docker): Promise<Belongings> {
  const name = `berth-test-${randomBytes(4).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const volumes = [`${name}-fixed`, `${name}-external`];
  for (const volume of volumes) {
    await docker.createVolume({ Name: volume });
    await runIn(docker, volume, "echo precious > /v/data; mkdir /v/more; echo too > /v/more/data");
  }
  await mkdir(join(folder, "bound"));
  await writeFile(join(folder, "bound", "data"), "precious\n");
  await writeFile(join(folder, "settings"), "precious\n");
  const network = await docker.createNetwork({ Name: `${name}-network` });
  const container = await docker.createContainer({
    name: `${name}-container`,
    Image: image,
    Cmd: ["sleep", "600"],
    HostConfig: { Init: true },
  });
  await container.start();
  await docker.getImage(image).tag({ repo: name, tag: "mine" });
  return {
    name,
    folder,
    look: async () => ({
      volumes: await Promise.all(volumes.map((volume) => lookAtVolume(docker, volume))),
      bound: await readFile(join(folder, "bound", "data"), "utf8"),
      settings: await readFile(join(folder, "settings"), "utf8"),
      network: (await network.inspect()).Id,
      container: await lookAtContainer(container),
      image: (await docker.getImage(`${name}:mine`).inspect()).Id,
    }),
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true, v: true });
      await network.remove();
      for (const volume of volumes) await docker.getVolume(volume).remove({ force: true });
      await docker.getImage(`${name}:mine`).remove({ noprune: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function lookAtVolume(docker: Docker, volume: string) {
  const info = await docker.getVolume(volume).inspect();
  const sums = await runIn(docker, volume, "cd /v && find . -type f | sort | xargs sha256sum");
  return { name: info.Name, mountpoint: info.Mountpoint, labels: info.Labels, sums };
}

async function lookAtContainer(container: Docker.Container) {
  const { Id, State, Name } = await container.inspect();
  return { id: Id, name: Name, running: State.Running, startedAt: State.StartedAt };
}

export async function runIn(docker: Docker, volume: string, script: string): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Cmd: ["sh", "-c", script],
    Tty: true,
    HostConfig: { Binds: [`${volume}:/v`] },
  });
  try {
    await container.start();
    const { StatusCode } = await container.wait();
    const output = String(await container.logs({ stdout: true, stderr: true, follow: false })).trim();
    if (StatusCode !== 0) throw new Error(output);
    return output;
  } finally {
    await container.remove({ force: true });
  }
}
