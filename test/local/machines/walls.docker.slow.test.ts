import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import type Docker from "dockerode";
import { connectDocker } from "../../../lib/docker/connection.ts";
import { scanFromContainer } from "../container-walls.ts";
import { openContainedPython } from "../contained-python.ts";
import { captureLinkLocal } from "../link-local-capture.ts";
import { findNeighbours, type Neighbours } from "../machine-neighbours.ts";
import { runInMachine } from "../machine-shell.ts";
import { machineTries, tryInMachine } from "../machine-tries.ts";
import { openTemporaryAws, runWebMachine, until, type TemporaryAws } from "../temporary-aws.ts";
import { get } from "../web-request.ts";

describe("the walls of a machine", () => {
  let docker: Docker;
  let temporary: TemporaryAws;
  let id: string;
  let around: Neighbours;
  let contained: (program: string) => Promise<string>;

  before(async () => {
    docker = await connectDocker();
    temporary = await openTemporaryAws();
    const machine = await runWebMachine(temporary.clients("eu-central-1"), "walled");
    id = machine.id;
    await until(async () => (await get(machine.address)) === "walled");
    around = await findNeighbours(docker, id);
    contained = await openContainedPython(run);
  });
  after(() => temporary?.[Symbol.asyncDispose]());

  const run = (script: string) => runInMachine(docker, id, script);

  it("let a container reach the edge of its machine, a resolver, and nothing else near it", async (test) => {
    const walls = await scanFromContainer({ docker, instanceId: id }, run, contained);
    walls.table.forEach((line) => test.diagnostic(line));
    assert.deepEqual(walls.seen, walls.expected);
  });

  it("let a container out into the world", async () => {
    await using capture = await captureLinkLocal(docker, id);
    const seen = await capture.stop(() => contained(knockAt(capture.control, 80)));
    assert.deepEqual([...new Set(seen)], [capture.control]);
  });

  it("keep a container from the metadata and AWS when the machine's own filter and rules are gone", async () => {
    const doors = await findDoors(docker, id);
    const knocks = () => Promise.all(doors.map((port) => contained(knockAt(around.gateway, port))));
    assert.deepEqual(
      await knocks(),
      doors.map(() => "none"),
    );
    await run("nft delete table inet machine; for pref in $(seq 10 18); do ip rule del pref $pref; done");
    try {
      assert.deepEqual(
        await knocks(),
        doors.map(() => "none"),
      );
      const own = await Promise.all(
        doors.map((port) => run(`python3 -c '${knockAt(around.gateway, port)}'`)),
      );
      assert.deepEqual(
        own,
        doors.map(() => "answer"),
      );
    } finally {
      await restart(docker, id);
    }
  });

  it("stand again after a reboot of the machine, and after its engine's", async () => {
    const stood = await run("nft list chain inet machine leave; ip rule");
    await run("systemctl restart docker");
    assert.equal(await run("nft list chain inet machine leave; ip rule"), stood);
    await restart(docker, id);
    assert.equal(await run("nft list chain inet machine leave; ip rule"), stood);
  });

  it("keep even root in a machine from what else listens on this computer", async () => {
    await using other = await listenEverywhere();
    const addresses = [around.gateway, ...around.others.filter((address) => !address.includes(":"))];
    await run("nft delete table inet machine; for pref in $(seq 10 18); do ip rule del pref $pref; done");
    try {
      for (const address of addresses) {
        assert.equal(await other.answersAt(address), true, address);
        assert.equal(await run(`python3 -c '${knockAt(address, other.port)}'`), "none", address);
      }
    } finally {
      await restart(docker, id);
    }
  });

  for (const each of machineTries) {
    it(`refuse root in a machine: ${each.name}`, async () => {
      assert.equal(await tryInMachine(run, each), each.expected);
    });
  }
});

/** Python: whether anything takes a connection there. Without quotes that a shell would need. */
function knockAt(address: string, port: number): string {
  return `
import socket
try:
    socket.create_connection(("${address}", ${port}), 1.5)
    print("answer")
except OSError:
    print("none")
`;
}

/** The TCP ports at which the supervisor serves metadata and AWS, as the machine was told. */
async function findDoors(docker: Docker, id: string): Promise<number[]> {
  const { Config } = await docker.getContainer(id).inspect();
  return Config.Env.flatMap((line) => {
    const [, port] = /^(?:METADATA|TLS)_PORT=(\d+)$/.exec(line) ?? [];
    return port === undefined ? [] : [Number(port)];
  });
}

async function restart(docker: Docker, id: string): Promise<void> {
  await docker.getContainer(id).restart({ t: 30 });
  const isUp = () =>
    runInMachine(docker, id, "systemctl is-system-running --wait").then(
      () => true,
      () => false,
    );
  await until(isUp);
  await runInMachine(docker, id, "systemctl start docker");
}

interface OtherServer extends AsyncDisposable {
  readonly port: number;
  answersAt(address: string): Promise<boolean>;
}

/** Stands for what a user of this computer has listening at all its addresses. */
async function listenEverywhere(): Promise<OtherServer> {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("The server isn't bound to a port");
  return {
    port: bound.port,
    answersAt: async (host) => {
      const socket = connect(bound.port, host);
      await once(socket, "connect");
      socket.destroy();
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
