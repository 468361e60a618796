import assert from "node:assert/strict";
import { cp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { offerDockerfile } from "../../lib/docker/offered-dockerfile.ts";
import { openSource } from "../../lib/docker/source.ts";
import { fromRoot } from "../../lib/paths.ts";
import { poll } from "../../lib/poll.ts";
import { openScratchEngine, type ScratchEngine } from "./scratch-engine.ts";
import { writeSourceFolder } from "./source-folder.ts";

describe("the Dockerfile that is offered", () => {
  let engine: ScratchEngine;
  before(async () => (engine = await openScratchEngine()));
  after(() => engine[Symbol.asyncDispose]());

  for (const [kind, port, user] of [
    ["node", "3000/tcp", "node"],
    ["django", "8080/tcp", "10001:10001"],
  ] as const) {
    it(`builds and serves on a read-only disk, as no root: ${kind}`, async () => {
      await using folder = await writeSourceFolder({});
      await cp(fromRoot(`test/apps/${kind}`), folder.path, { recursive: true });
      await rm(join(folder.path, "Dockerfile"));
      const lines = await offerDockerfile(folder.path);
      await writeFile(join(folder.path, "Dockerfile"), `${lines?.join("\n")}\n`);

      const { imageId } = await engine.build(await openSource({ source: folder.path }));
      assert.equal((await engine.docker.getImage(imageId).inspect()).Config.User, user);
      const container = await engine.createContainer({
        Image: imageId,
        ExposedPorts: { [port]: {} },
        HostConfig: {
          ReadonlyRootfs: true,
          CapDrop: ["ALL"],
          SecurityOpt: ["no-new-privileges"],
          Tmpfs: { "/tmp": "" },
          PortBindings: { [port]: [{ HostIp: "127.0.0.1", HostPort: "" }] },
        },
      });
      await container.start();
      const { NetworkSettings } = await container.inspect();
      const url = `http://127.0.0.1:${NetworkSettings.Ports[port]?.[0]?.HostPort}`;
      assert.match(await firstAnswer(url), /release one/);
    });
  }
});

/** Waits until it serves: a connection is refused, or cut, before. */
async function firstAnswer(url: string): Promise<string> {
  const ctx = { signal: new AbortController().signal, note: () => {} };
  const look = async () => {
    const answer = await ask(url);
    return answer === undefined ? { waiting: "no answer" } : { done: answer };
  };
  return poll(ctx, { what: `${url} to answer`, timeoutMs: 600_000, look });
}

/** Not `fetch`, whose promise may stay open when the engine's proxy cuts the connection at once. */
const ask = (url: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const asked = get(url, { agent: false }, (response) => {
      text(response).then(
        (body) => resolve(response.statusCode === 200 ? body : undefined),
        () => resolve(undefined),
      );
    });
    asked.once("error", () => resolve(undefined));
  });
