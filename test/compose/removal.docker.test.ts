import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { readSource } from "../../compose/compose-file.ts";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { removeTag, takeInventory } from "../../compose/inventory.ts";
import { bringUp, removeCluster, takeDown } from "../../compose/lifecycle.ts";
import { planOwnCluster } from "../../compose/own-cluster.ts";
import { connectDocker, isNotFound } from "../../lib/docker/connection.ts";
import { writeCase } from "./case.ts";
import { listLeftovers } from "./leftovers.ts";

const docker = await connectDocker();

test("volumes without a name go too, those of containers that are gone already among them", async () => {
  await using file = await writeCase(
    "services: {web: {image: debian:trixie-slim, init: true, command: [sleep, '600'], volumes: [/var/lib/unnamed, 'data:/data']}}\nvolumes: {data: {}}\n",
  );
  const { signal } = new AbortController();
  const parts = { docker, tool: await findComposeTool(), signal, timeoutMs: 600_000 };
  const cluster = await planOwnCluster(await readSource(file.path), parts);
  const seen = new Set<string>();
  const noteVolumes = async () => {
    for (const { Mounts } of await cluster.listContainers())
      for (const { Name } of Mounts) if (Name !== undefined) seen.add(Name);
  };
  await bringUp(cluster);
  await noteVolumes();
  await takeDown(cluster);
  assert.equal(await exists(() => docker.getVolume(`${cluster.project}_data`).inspect()), true);
  await bringUp(cluster);
  await noteVolumes();

  await removeCluster(cluster);

  assert.equal(seen.size, 3);
  for (const name of seen) assert.equal(await exists(() => docker.getVolume(name).inspect()), false, name);
  assert.deepEqual(await listLeftovers(docker, cluster.project), []);
  assert.equal(existsSync(cluster.folder), false);
});

test("an image that was there under no name stays; one of the test's own goes", async () => {
  const repo = `berth-test-${randomBytes(4).toString("hex")}`;
  const theirs = await importImage(`${repo}-theirs`);
  const before = await takeInventory(docker);
  const ours = await importImage(`${repo}-ours`);
  await docker.getImage(theirs).tag({ repo, tag: "theirs" });
  await docker.getImage(ours).tag({ repo, tag: "ours" });
  try {
    for (const tag of ["theirs", "ours", "of-nobody"]) await removeTag(docker, `${repo}:${tag}`, before);
    assert.equal(await exists(() => docker.getImage(theirs).inspect()), true);
    assert.equal(await exists(() => docker.getImage(ours).inspect()), false);
    const tags = (await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
    assert.deepEqual(
      tags.filter((tag) => tag.startsWith(repo)),
      [],
    );
  } finally {
    await docker.getImage(theirs).remove();
  }
});

/** An image with nothing in it but its name, under no tag. */
async function importImage(message: string): Promise<string> {
  const answer = await text(await docker.importImage(Readable.from([Buffer.alloc(1024)]), { message }));
  const id = /sha256:[0-9a-f]{64}/.exec(answer)?.[0];
  assert.ok(id, answer);
  return id;
}

async function exists(inspect: () => Promise<unknown>): Promise<boolean> {
  try {
    await inspect();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
