import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CreateRepositoryCommand } from "@aws-sdk/client-ecr";
import { createClients } from "../../../lib/aws/clients.ts";
import { pushImage } from "../../../lib/docker/push.ts";
import { getRegistryAuth } from "../../../lib/aws/registry.ts";
import { openSource } from "../../../lib/docker/source.ts";
import {
  findDigest,
  pinsFile,
  pullPinned,
  readPins,
  recordPins,
} from "../../../setup/images/base-image-pins.ts";
import { run } from "../../../setup/child-process.ts";
import { openScratchEngine } from "../../docker/scratch-engine.ts";
import { writeSourceFolder } from "../../docker/source-folder.ts";
import { borrowEmulators } from "../../local/borrowed-emulators.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-pins-"));
const emulators = await borrowEmulators({ logDirectory: directory, ecr: true });
const engine = await openScratchEngine();
const serverAddress = emulators.endpoints.registry;
const { ecr } = createClients({ region: "eu-central-1", ...emulators });
const auth = await getRegistryAuth(ecr, serverAddress);
const repository = "berth/base-image-pins";
/** It answers, but a busy computer may take its time. */
const patienceMs = 120_000;
const tag = `${serverAddress}/${repository}:stable`;
const digests: string[] = [];

const forget = async () => {
  await run("docker", ["image", "rm", "--force", tag]);
  for (const digest of digests)
    await run("docker", ["image", "rm", "--force", `${serverAddress}/${repository}@${digest}`]);
};
after(async () => {
  await forget();
  await engine[Symbol.asyncDispose]();
  await emulators[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Puts another image under the same tag, as a registry does every few weeks; its digest. */
async function release(content: string): Promise<string> {
  await using folder = await writeSourceFolder({ Dockerfile: "FROM scratch\nCOPY page /\n", page: content });
  const { localTag } = await engine.build(await openSource({ source: folder.path }));
  const { signal } = new AbortController();
  const where = { repository: `${serverAddress}/${repository}`, tag: "stable" };
  return (await pushImage({ docker: engine.docker, localTag, ...where, auth, signal })).digest;
}

before(async () => {
  // The set-up pulls as a person does: with what `docker login` has left.
  const login = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
  await writeFile(
    join(directory, "config.json"),
    JSON.stringify({ auths: { [serverAddress]: { auth: login } } }),
  );
  process.env["DOCKER_CONFIG"] = directory;
  await ecr.send(new CreateRepositoryCommand({ repositoryName: repository }));
  digests.push(await release("of spring"), await release("of autumn"));
  await forget();
});

test("without a pin a tag gives what it stands for today, and says which that is", async () => {
  assert.equal(await pullPinned(tag, undefined, patienceMs), digests[1]);
  assert.equal(await findDigest(tag), digests[1]);
});

test("with a pin the tag is the pinned image, whatever the registry has under it by now", async () => {
  assert.notEqual(digests[0], digests[1]);

  assert.equal(await pullPinned(tag, digests[0], patienceMs), digests[0]);

  const { stdout } = await run("docker", ["image", "inspect", "--format", "{{.RepoDigests}}", tag]);
  assert.ok(stdout.includes(String(digests[0])), stdout);
  assert.ok(!stdout.includes(String(digests[1])), stdout);
});

test("a pin that no registry has is no image", async () => {
  assert.equal(await pullPinned(tag, `sha256:${"0".repeat(64)}`, patienceMs), undefined);
});

test("an image that was made here has no digest", async () => {
  await using folder = await writeSourceFolder({
    Dockerfile: "FROM scratch\nCOPY page /\n",
    page: "made here",
  });
  const { localTag } = await engine.build(await openSource({ source: folder.path }));

  assert.equal(await findDigest(localTag), undefined);
});

test("what is pinned stays, and what is new is added in order", async () => {
  const file = join(directory, "lock.json");
  const [a, b] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);
  assert.ok(a && b);
  await writeFile(file, JSON.stringify({ "nginx:1": a }));

  await recordPins(
    file,
    new Map([
      ["nginx:1", b],
      ["debian:1", b],
    ]),
  );

  assert.equal(
    await readFile(file, "utf8"),
    `${JSON.stringify({ "debian:1": b, "nginx:1": a }, undefined, 2)}\n`,
  );
  await writeFile(file, JSON.stringify({ "nginx:1": "latest" }));
  await assert.rejects(readPins(file), /nginx:1/);
  await readPins(pinsFile);
});
