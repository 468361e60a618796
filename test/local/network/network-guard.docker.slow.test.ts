import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type Docker from "dockerode";
import { connectDocker } from "../../../lib/docker/connection.ts";
import { keyOf } from "../../../lib/local/control/messages.ts";
import { ensureBootImage } from "../../../lib/local/machines/boot-image.ts";
import { runInMachine } from "../machine-shell.ts";
import { openTemporaryAws, until, type TemporaryAws } from "../temporary-aws.ts";

describe("the guard of the machines' network", () => {
  let docker: Docker;
  before(async () => {
    docker = await connectDocker();
  });

  it("stands while the embedded AWS does, and leaves no rule in this computer's kernel", async () => {
    await using kernel = await openKernel(docker);
    const temporary = await openTemporaryAws();
    const table = tableOf(temporary);
    try {
      assert.ok((await kernel.listTables()).includes(table));
    } finally {
      await temporary[Symbol.asyncDispose]();
    }
    assert.ok(!(await kernel.listTables()).includes(table));
  });

  it("goes with a supervisor that is killed", async () => {
    await using kernel = await openKernel(docker);
    await using temporary = await openTemporaryAws();
    const table = tableOf(temporary);
    assert.ok((await kernel.listTables()).includes(table));
    process.kill(temporary.pid, "SIGKILL");
    await until(async () => !(await kernel.listTables()).includes(table));
  });
});

function tableOf({ directory }: TemporaryAws): string {
  return `table inet berth-local-${keyOf(directory)}-guard`;
}

interface Kernel extends AsyncDisposable {
  /** The tables of this computer's own packet filter. */
  listTables(): Promise<string[]>;
}

async function openKernel(docker: Docker): Promise<Kernel> {
  const container = await docker.createContainer({
    Image: await ensureBootImage({ docker }),
    Entrypoint: ["sleep", "infinity"],
    StopSignal: "SIGKILL",
    HostConfig: { AutoRemove: true, NetworkMode: "host", CapDrop: ["ALL"], CapAdd: ["NET_ADMIN"] },
  });
  await container.start();
  return {
    listTables: async () => (await runInMachine(docker, container.id, "nft list tables")).split("\n"),
    [Symbol.asyncDispose]: () => container.kill(),
  };
}
