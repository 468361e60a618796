import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ReleaseAddressCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateBucketCommand, DeleteBucketCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import type Docker from "dockerode";
import { createClients } from "../../lib/aws/clients.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { keyOf } from "../../lib/local/control/messages.ts";
import { endLocalAws, openLocalAws, releaseLocalAws, type LocalAws } from "../../lib/local/local-aws.ts";
import { isAlive, openTemporaryAws, readPid, runWebMachine, until } from "./temporary-aws.ts";
import { get } from "./web-request.ts";

const clientsOf = (aws: LocalAws) => createClients({ region: "eu-west-1", ...aws, maxAttempts: 2 });

describe("the embedded AWS", () => {
  let docker: Docker;
  let directory: string;
  before(async () => {
    docker = await connectDocker();
    directory = await mkdtemp(join(tmpdir(), "berth-local-"));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Containers and networks of the directory's supervisor. */
  async function onEngine(of: string): Promise<number> {
    const filters = { label: [`dev.berth.local=${keyOf(of)}`] };
    const containers = await docker.listContainers({ all: true, filters });
    return containers.length + (await docker.listNetworks({ filters })).length;
  }

  it("is one for all who open it at once, serves while anything is left, and then ends with all it had", async () => {
    const [first, second] = await Promise.all([openLocalAws({ directory }), openLocalAws({ directory })]);
    const pid = await readPid(directory);
    try {
      assert.deepEqual(first, second);
      const { s3 } = clientsOf(first);
      await s3.send(new CreateBucketCommand({ Bucket: "left" }));
      await releaseLocalAws({ directory });
      assert.ok(isAlive(pid));
      const third = await openLocalAws({ directory });
      assert.deepEqual(third, first);

      await s3.send(new DeleteBucketCommand({ Bucket: "left" }));
      await releaseLocalAws({ directory });
      assert.ok(!isAlive(pid));
      assert.equal(await onEngine(directory), 0);
      await assert.rejects(fetch(first.endpoints.ec2));
      await assert.rejects(fetch(first.endpoints.ecr));
    } finally {
      await endLocalAws({ directory });
    }
  });

  it("keeps its keys and logs to their owner", async () => {
    await using temporary = await openTemporaryAws();
    const mode = async (path: string) => (await stat(join(temporary.directory, path))).mode & 0o777;
    assert.equal(await mode("authority/authority.key"), 0o600);
    assert.equal(await mode("authority"), 0o700);
    assert.match(await readFile(join(temporary.directory, "logs", "supervisor.log"), "utf8"), /Ready/);
  });

  it("is another for each directory, side by side", async () => {
    await using one = await openTemporaryAws();
    await using other = await openTemporaryAws();
    await one.clients("eu-west-1").s3.send(new CreateBucketCommand({ Bucket: "of-one" }));
    const { Buckets } = await other.clients("eu-west-1").s3.send(new ListBucketsCommand({}));
    assert.deepEqual(Buckets ?? [], []);
    assert.notEqual(one.pid, other.pid);
  });

  it("starts anew after it was killed, without what was left then", async () => {
    const killed = join(directory, "killed");
    await mkdir(killed);
    const aws = await openLocalAws({ directory: killed });
    const machine = await runWebMachine(clientsOf(aws), "killed");
    await until(async () => (await get(machine.address)) === "killed");
    const pid = await readPid(killed);
    process.kill(pid, "SIGKILL");
    await until(() => !isAlive(pid));
    await until(async () => (await get(machine.address)) === "ECONNREFUSED");

    await openLocalAws({ directory: killed });
    const restarted = await readPid(killed);
    try {
      assert.notEqual(restarted, pid);
      const named = await docker.listContainers({ all: true, filters: { name: [machine.id] } });
      assert.deepEqual(named, []);
      await releaseLocalAws({ directory: killed });
      assert.ok(!isAlive(restarted));
      assert.equal(await onEngine(killed), 0);
    } finally {
      await endLocalAws({ directory: killed });
    }
  });

  it("ends by itself when the last instance of the last stack is gone", async () => {
    await using temporary = await openTemporaryAws();
    const clients = temporary.clients("us-west-2");
    const machine = await runWebMachine(clients, "last");
    await until(async () => (await get(machine.address)) === "last");
    await releaseLocalAws(temporary);
    assert.ok(isAlive(temporary.pid));

    await clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [machine.id] }));
    await clients.ec2.send(new ReleaseAddressCommand({ AllocationId: machine.addressId }));
    await releaseLocalAws(temporary);
    assert.ok(!isAlive(temporary.pid));
    assert.equal(await onEngine(temporary.directory), 0);
  });

  it("stops starting when it is told to", async () => {
    const aborted = join(directory, "aborted");
    const stop = new AbortController();
    const opening = openLocalAws({ directory: aborted, signal: stop.signal, note: () => stop.abort() });
    await assert.rejects(opening, { name: "AbortError" });
    await until(async () => (await onEngine(aborted)) === 0 && !(await isOpen(aborted)));
  });
});

async function isOpen(directory: string): Promise<boolean> {
  return readPid(directory).then(isAlive, () => true);
}
