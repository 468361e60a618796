import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { isNotFound } from "../lib/docker/connection.ts";

/** What an engine holds, by names and ids. */
export interface Inventory {
  readonly volumes: ReadonlySet<string>;
  readonly images: ReadonlySet<string>;
}

export async function takeInventory(docker: Docker): Promise<Inventory> {
  const [{ Volumes: volumes }, images] = await Promise.all([
    docker.listVolumes(),
    // Images without a name too, which builds use as a cache.
    docker.listImages({ all: true }),
  ]);
  return {
    volumes: new Set((volumes ?? []).map(({ Name }) => Name)),
    images: new Set(images.map(({ Id }) => Id)),
  };
}

/** Removes a name from an image. An image that had no name before stays, without a name. */
export async function removeTag(docker: Docker, tag: string, before: Inventory): Promise<void> {
  try {
    const { Id: id, RepoTags: tags } = await docker.getImage(tag).inspect();
    // The engine removes an image with its last name. Moving the name to another image first keeps this one.
    if (before.images.has(id) && tags.length === 1) await moveTag(docker, tag);
    await docker.getImage(tag).remove({ noprune: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** An empty tar archive: the two blocks of zeros that end every archive. */
const emptyArchive = Buffer.alloc(1024);

async function moveTag(docker: Docker, tag: string): Promise<void> {
  const [repo, version] = tag.split(":");
  const answer = await docker.importImage(Readable.from([emptyArchive]), { repo, tag: version });
  await text(answer);
}

export async function removeVolume(docker: Docker, name: string): Promise<void> {
  try {
    await docker.getVolume(name).remove();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
