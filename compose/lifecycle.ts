import { rm } from "node:fs/promises";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { quote } from "./cluster.ts";
import type { ComposeFile } from "./compose-file.ts";
import { copyFolder } from "./folder-copy.ts";
import { findTrouble, waitUntilReady } from "./health.ts";
import { removeTag, removeVolume } from "./inventory.ts";
import type { OwnCluster } from "./own-cluster.ts";
import { asText } from "./resolved-file.ts";

const tailLines = 20;

/**
 * Builds all images of the file, or only those of the named services. Throws `ImageNotBuilt` with the end of the
 * build's output.
 */
export async function buildImages(cluster: OwnCluster, services: readonly string[] = []): Promise<void> {
  const { exitCode, lines } = await cluster.compose(["build", ...services]);
  if (exitCode === 0) return;
  throw new BerthError({
    code: "ImageNotBuilt",
    message: `${cluster.tool.command} build failed with exit code ${exitCode}`,
    hint: `correct what the lines above name, then: ${cluster.tool.command} -f ${quote(cluster.file.path)} build`,
    detail: lines.slice(-tailLines),
  });
}

/**
 * Starts everything and waits until it is ready. Throws an error that names the blocking service, with the tail of its
 * log.
 */
export async function bringUp(cluster: OwnCluster): Promise<void> {
  const { exitCode, lines } = await cluster.compose(["up", "-d"]);
  if (exitCode !== 0) {
    throw (await findTrouble(cluster)) ?? notStarted(cluster, exitCode, lines);
  }
  await waitUntilReady(cluster);
}

const notStarted = (cluster: OwnCluster, exitCode: number, lines: readonly string[]): BerthError =>
  new BerthError({
    code: "ClusterNotStarted",
    message: `${cluster.tool.command} up failed with exit code ${exitCode}`,
    hint: cluster.adviseLook("it"),
    detail: lines.slice(-tailLines),
  });

/** Copies the user's folders into the new volumes that replace them, before anything starts. */
export async function fillCopies(cluster: OwnCluster): Promise<void> {
  const { folders } = cluster.isolated;
  if (folders.length === 0) return;
  // Version 1 would wait for the health of what it doesn't start.
  const filling =
    cluster.tool.major > 1 ? [] : ["--no-deps", ...new Set(folders.map(({ service }) => service))];
  const { exitCode, lines } = await cluster.compose(["up", "--no-start", ...filling]);
  if (exitCode !== 0) throw notStarted(cluster, exitCode, lines);
  for (const { service, source, target } of folders) {
    const [container] = await cluster.listContainers(service);
    if (container === undefined) continue;
    await copyFolder(cluster.docker.getContainer(container.Id), { source, target });
  }
}

/** Removes containers and networks and keeps volumes. Works after Ctrl-C too. */
export async function takeDown(cluster: OwnCluster, more: readonly string[] = []): Promise<void> {
  for (const { Mounts: mounts } of await cluster.listContainers()) {
    for (const { Type, Name } of mounts)
      if (Type === "volume" && Name !== undefined) cluster.volumesSeen.add(Name);
  }
  const args = ["down", "--remove-orphans", "--timeout", "10", ...more];
  const { exitCode, lines } = await cluster.compose(
    args,
    AbortSignal.timeout(Math.max(120_000, cluster.timeoutMs)),
  );
  if (exitCode === 0) return;
  throw new BerthError({
    code: "LeftBehind",
    message: `${cluster.tool.command} down failed with exit code ${exitCode}; project ${cluster.project} may be left`,
    hint: explainRemoval(cluster),
    detail: lines.slice(-tailLines),
    exitCode: exitCodes.leftBehind,
  });
}

/** Removes everything that this run made, and nothing that existed before. */
export async function removeCluster(cluster: OwnCluster): Promise<void> {
  const { docker, before, isolated } = cluster;
  await takeDown(cluster, ["--volumes"]);
  // Anonymous volumes, from images that declare volumes, outlive containers that an earlier `down` removed.
  const unnamed = [...cluster.volumesSeen].filter((name) => !before.volumes.has(name));
  for (const name of unnamed) await removeVolume(docker, name);
  for (const tag of isolated.tags) await removeTag(docker, tag, before);
  await rm(cluster.folder, { recursive: true, force: true });
}

/**
 * The commands that do by hand what `removeCluster` does. They name the copy, because the user's own file names other
 * volumes.
 */
export function explainRemoval(cluster: OwnCluster): string {
  const { isolated, folder } = cluster;
  const images = isolated.tags.length === 0 ? [] : [`docker image rm --no-prune ${isolated.tags.join(" ")}`];
  return [cluster.explain("down --volumes"), ...images, `rm -r ${quote(folder)}`].join(" && ");
}

/** One service for each image that the file builds, because services that share an image need only one build. */
export function listBuilds({ resolved }: ComposeFile): readonly string[] {
  const builds = new Map<string, string>();
  for (const [service, { image, build }] of Object.entries(resolved.services)) {
    const what = JSON.stringify([asText(image) ?? service, build]);
    if (build !== undefined && !builds.has(what)) builds.set(what, service);
  }
  return [...builds.values()];
}
