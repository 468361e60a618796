import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type Docker from "dockerode";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { openSource } from "../../lib/docker/source.ts";
import { fromRoot } from "../../lib/paths.ts";
import { until } from "../local/temporary-aws.ts";
import { openScratchEngine } from "./scratch-engine.ts";
import type { ScratchEngine } from "./scratch-engine.ts";
import { photograph } from "./source-folder.ts";

const goWeb = fromRoot("dockerfiles/go-web");

describe("the image of Berth's Go app", () => {
  let engine: ScratchEngine;
  let container: Docker.Container;
  let imageId: string;
  let url: string;

  before(async () => {
    engine = await openScratchEngine();
    const folder = await photograph(goWeb);
    const source = await openSource({ source: goWeb });
    // The image stays: it is the cache that everybody's next run of this app starts from.
    const signal = new AbortController().signal;
    ({ imageId } = await ensureBuilt({ docker: engine.docker, source, signal }));
    assert.deepEqual(await photograph(goWeb), folder, "the build wrote to the source folder");
    container = await engine.createContainer({
      Image: imageId,
      HostConfig: {
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        PortBindings: { "8080/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] },
      },
    });
    await container.start();
    await waitForLog(container, /listening on :8080/);
    const { NetworkSettings } = await container.inspect();
    url = `http://127.0.0.1:${NetworkSettings.Ports["8080/tcp"]?.[0]?.HostPort}`;
    // The app says that it listens just before it does.
    await until(() =>
      fetch(url, { method: "HEAD" }).then(
        () => true,
        () => false,
      ),
    );
  });

  after(() => engine[Symbol.asyncDispose]());

  it("is small, and runs as nobody in particular", async () => {
    const image = await engine.docker.getImage(imageId).inspect();

    assert.ok(image.Size < 8_000_000, `${image.Size} bytes`);
    assert.equal(image.Config.User, "65532:65532");
    assert.deepEqual(image.Config.ExposedPorts, { "8080/tcp": {} });
    assert.equal(`${image.Os}/${image.Architecture}`, "linux/amd64");
  });

  it("answers read-only and without capabilities, and fails about one time in ten", async () => {
    const seen = new Map<number, number>();
    for (let round = 0; round < 50; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(url)));
      for (const answer of answers) {
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        await answer.arrayBuffer();
      }
    }
    // 1,000 tries at 10%: these bounds are more than five standard deviations away.
    const failed = seen.get(500) ?? 0;
    assert.ok(failed > 50 && failed < 160, `${failed} of 1000 failed`);
    assert.equal(failed + (seen.get(200) ?? 0), 1000);
  });

  it("has no health path", async () => {
    assert.equal((await fetch(`${url}/health`)).status, 404);
  });

  it("ends in peace when told to", async () => {
    await container.kill({ signal: "SIGTERM" });
    const { StatusCode } = await container.wait();
    assert.equal(StatusCode, 0);
  });
});

async function waitForLog(container: Docker.Container, wanted: RegExp): Promise<void> {
  const log = await container.logs({ follow: true, stdout: true, stderr: true });
  for await (const chunk of log) if (wanted.test(String(chunk))) return;
  throw new Error(`The container ended before it said ${wanted}`);
}
