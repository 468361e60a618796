import type Docker from "dockerode";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { connectDocker, isNotFound } from "../../lib/docker/connection.ts";
import type { Source } from "../../lib/docker/source.ts";

/** The real engine. Removes everything that a test creates on it. */
export interface ScratchEngine extends AsyncDisposable {
  readonly docker: Docker;
  build(source: Source): Promise<{ imageId: string; localTag: string; lines: string[] }>;
  createContainer(options: Docker.ContainerCreateOptions): Promise<Docker.Container>;
}

export async function openScratchEngine(): Promise<ScratchEngine> {
  const docker = await connectDocker();
  const containers: Docker.Container[] = [];
  const images = new Set<string>();
  return {
    docker,
    build: async (source) => {
      const lines: string[] = [];
      const signal = new AbortController().signal;
      const built = await ensureBuilt({ docker, source, signal, onProgress: (line) => lines.push(line) });
      images.add(built.localTag);
      return { ...built, lines };
    },
    createContainer: async (options) => {
      const container = await docker.createContainer(options);
      containers.push(container);
      return container;
    },
    [Symbol.asyncDispose]: async () => {
      for (const container of containers) await container.remove({ force: true, v: true });
      for (const image of images) await removeImage(docker, image);
    },
  };
}

// A test may have removed the image itself.
async function removeImage(docker: Docker, image: string): Promise<void> {
  try {
    await docker.getImage(image).remove({ force: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
