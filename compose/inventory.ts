import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { isNotFound } from "../lib/docker/engine.ts";

/** What an engine has, by names and ids. */
export interface Inventory {
  readonly volumes: ReadonlySet<string>;
  readonly images: ReadonlySet<string>;
}

export async function takeInventory(docker: Docker): Promise<Inventory> {
  const [{ Volumes: volumes }, images] = await Promise.all([
    docker.listVolumes(),
    // Those without a name too: they are what builds go on from.
    docker.listImages({ all: true }),
  ]);
  return {
    volumes: new Set((volumes ?? []).map(({ Name }) => Name)),
    images: new Set(images.map(({ Id }) => Id)),
  };
}

/** Takes a name away from an image. What the engine had before under no name stays, under no name. */
export async function removeTag(docker: Docker, tag: string, before: Inventory): Promise<void> {
  try {
    const { Id: id, RepoTags: tags } = await docker.getImage(tag).inspect();
    // With its last name the engine removes an image. Another image under the name leaves this one as it was.
    if (before.images.has(id) && tags.length === 1) await moveTag(docker, tag);
    await docker.getImage(tag).remove({ noprune: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** A tar file ends with two blocks of zeros; this one has nothing before them. */
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
