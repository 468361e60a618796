import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { CreateRepositoryCommand } from "@aws-sdk/client-ecr";
import { createClients } from "../../../lib/aws/clients.ts";
import type { Call } from "../../../lib/aws/clients.ts";
import { getRegistryAuth } from "../../../lib/aws/registry.ts";
import { openSource } from "../../../lib/docker/source.ts";
import type { Source } from "../../../lib/docker/source.ts";
import { localAccount } from "../../../lib/local/emulators/emulators.ts";
import { startStrictAws, type StrictAws } from "../../strict-aws/strict-aws.ts";
import { imageResource } from "../../../lib/resources/delivery/image.ts";
import { type Identity, toWriteContext, type WriteContext } from "../../../lib/contract/resource.ts";
import { openScratchEngine } from "../../docker/scratch-engine.ts";
import type { ScratchEngine } from "../../docker/scratch-engine.ts";
import { writeSourceFolder } from "../../docker/source-folder.ts";
import type { SourceFolder } from "../../docker/source-folder.ts";

const repository = "berth/image-test";
const identity: Identity = { stack: "image-test", name: "image", generation: 1, lineage: "l", tags: {} };

describe("the image in its repository", () => {
  let logDirectory: string;
  let aws: StrictAws;
  let engine: ScratchEngine;
  let folder: SourceFolder;
  let source: Source;
  let calls: Call[] = [];
  let ctx: WriteContext;

  before(async () => {
    logDirectory = await mkdtemp(join(tmpdir(), "berth-image-test-"));
    aws = await startStrictAws({ logDirectory, ecr: true });
    engine = await openScratchEngine();
    folder = await writeSourceFolder({
      Dockerfile: "FROM scratch\nCOPY page /\n",
      page: "x".repeat(100_000),
    });
    source = await openSource({ source: folder.path });
    const { endpoints, credentials } = aws;
    const onCall = (call: Call) => calls.push(call);
    const clients = createClients({ region: "eu-central-1", endpoints, credentials, maxAttempts: 2, onCall });
    const signal = new AbortController().signal;
    const place = { clients, account: localAccount, region: "eu-central-1", signal, note: () => undefined };
    ctx = toWriteContext(place, clients);
  });
  after(async () => {
    await folder[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await aws[Symbol.asyncDispose]();
    await rm(logDirectory, { recursive: true });
  });
  beforeEach(async () => {
    await aws.reset();
    calls = [];
  });

  const createRepository = () =>
    ctx.clients.ecr.send(
      new CreateRepositoryCommand({ repositoryName: repository, imageTagMutability: "IMMUTABLE" }),
    );
  const resource = (options: { registry?: string; of?: Source } = {}) =>
    imageResource({
      docker: () => Promise.resolve(engine.docker),
      source: options.of ?? source,
      repository,
      registry: options.registry ?? aws.endpoints.registry,
    });
  const noEngine = () =>
    imageResource({
      docker: () => Promise.reject(new Error("the engine was asked for")),
      source,
      repository,
      registry: aws.endpoints.registry,
    });
  const desired = () => ({ repository, tag: source.tag });

  it("is absent before it was pushed, and before its repository is there", async () => {
    assert.equal(await resource().find(ctx, identity), undefined);
    await createRepository();
    assert.equal(await resource().find(ctx, identity), undefined);
  });

  it("is pushed once, and pulled by the digest it was pushed with", async () => {
    await createRepository();
    const { imageId, localTag } = await engine.build(source);
    const id = await resource().create(ctx, identity, desired());

    const observed = await resource().find(ctx, identity, id);
    assert.ok(observed);
    assert.equal(id, observed.id);
    assert.match(
      observed.id,
      /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com\/berth\/image-test@sha256:[0-9a-f]{64}$/,
    );
    const reference = `${aws.endpoints.registry}/${repository}@${observed.digest}`;
    await engine.docker.getImage(localTag).remove({ force: true });
    assert.equal(await pulledId(reference), imageId);
  });

  it("leaves no name of the registry's behind on the engine", async () => {
    await createRepository();
    await resource().create(ctx, identity, desired());
    const images = await engine.docker.listImages();

    const names = images.flatMap(({ RepoTags }) => RepoTags ?? []);
    assert.deepEqual(
      names.filter((name) => name.startsWith(`${aws.endpoints.registry}/`)),
      [],
    );
  });

  it("that is there needs no engine and no write", async () => {
    await createRepository();
    await resource().create(ctx, identity, desired());
    calls = [];

    const observed = await noEngine().find(ctx, identity);

    assert.ok(observed);
    assert.deepEqual(noEngine().differences(identity, desired(), observed), []);
    assert.deepEqual(
      calls.filter(({ kind }) => kind === "write"),
      [],
    );
  });

  it("may be pushed by two at once, though its tag can't be overwritten", async () => {
    await createRepository();
    await resource().create(ctx, identity, desired());
    const first = await resource().find(ctx, identity);

    const again = await resource().create(ctx, identity, desired());

    assert.equal(again, first?.id);
    assert.deepEqual(await resource().find(ctx, identity), first);
  });

  it("that doesn't build leaves AWS untouched", async () => {
    await using broken = await writeSourceFolder({ Dockerfile: "FROM scratch\nCOPY absent /\n" });
    const of = await openSource({ source: broken.path });

    const creating = resource({ of }).create(ctx, identity, { repository, tag: of.tag });

    await assert.rejects(creating, { code: "BuildFailed", message: /step \d\/\d COPY absent/ });
    assert.deepEqual(calls, []);
  });

  it("that can't be pushed says where to, and why", async () => {
    await createRepository();

    const creating = resource({ registry: "127.0.0.1:1" }).create(ctx, identity, desired());

    await assert.rejects(creating, { code: "PushFailed", message: /127\.0\.0\.1:1\/berth\/image-test:src-/ });
    assert.equal(await resource().find(ctx, identity), undefined);
  });

  it("is not what was asked for when the source has changed since", async () => {
    const creating = resource().create(ctx, identity, { repository, tag: "src-0000000000000000" });
    await assert.rejects(creating, { code: "SourceChanged" });
    assert.deepEqual(calls, []);
  });

  async function pulledId(reference: string): Promise<string> {
    const { serverAddress: serveraddress, ...auth } = await getRegistryAuth(
      ctx.clients.ecr,
      aws.endpoints.registry,
    );
    const answer = await engine.docker.pull(reference, { authconfig: { ...auth, serveraddress } });
    for await (const record of answer) assert.doesNotMatch(String(record), /"error"/);
    const image = engine.docker.getImage(reference);
    const { Id } = await image.inspect();
    await image.remove({ force: true });
    return Id;
  }
});
