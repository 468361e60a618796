import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { BerthError } from "../../lib/errors.ts";
import type { Point } from "../strict-aws/hooks.ts";
import type { Run } from "../strict-aws/in-process.ts";
import { changes } from "../drift/rows.ts";
import { linesOf, openDriftingStack } from "../drift/stack.ts";
import { startUp, type Child } from "./child.ts";

/**
 * Longer than a busy computer makes its holder stand still, and shorter than a clock is off below. Only who is frozen has one
 * that expires: by its own clock it has to know that.
 */
const leaseSeconds = { usual: 300, frozen: 8 };
process.env["BERTH_LEASE_SECONDS"] = String(leaseSeconds.usual);
/** Longer than any wait. */
const waitMs = 600_000;
const { aws, stack, stranger, refresh } = await openDriftingStack("test-races", { up: false });
const { cli } = stack;
const children: Child[] = [];
after(() => children.forEach(({ process: child }) => child.kill("SIGKILL")));

const start: typeof startUp = (of, options) => {
  const child = startUp(of, options);
  children.push(child);
  return child;
};

async function drift(...resources: string[]): Promise<void> {
  await refresh();
  for (const { resource, act } of changes) if (resources.includes(resource)) await act(stranger);
}

/** Settles at the first call of the operation, when what it does is still to come. */
function reached(operation: string, act: (point: Point) => void = () => {}): Promise<void> {
  return new Promise((resolve) => {
    const off = aws.on((point) => {
      if (point.call.operation !== operation || point.stage !== "arrived") return;
      off();
      act(point);
      resolve();
    });
  });
}

async function livingThings(): Promise<readonly number[]> {
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }];
  const [{ Reservations = [] }, { Vpcs = [] }] = await Promise.all([
    stranger.ec2.send(new DescribeInstancesCommand({ Filters })),
    stranger.ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: "tag-key", Values: ["berth:stack"] }] })),
  ]);
  return [Reservations.length, Vpcs.length];
}

describe("races", () => {
  it("of twenty first ups at once one works; the others say who holds the lease, with exit 4", async () => {
    const ends = new Set<unknown>();
    // Who works has not finished before the slowest has asked.
    const until = async () => {
      while (ends.size < 19) await sleep(50);
    };
    aws.faults.once(({ operation }) => operation === "CreateVpc", { until });
    const processes = Array.from({ length: 3 }, () => start(cli));
    const runs = Array.from({ length: 17 }, () => stack.up());
    for (const run of [...runs, ...processes.map((child) => child.ended)]) {
      const end = () => void ends.add(run);
      void run.then(end, end);
    }
    const others = await Promise.allSettled(runs);
    const ended = await Promise.all(processes.map((child) => child.ended));

    const refused = others.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    for (const error of refused) {
      assert.ok(error instanceof BerthError, String(error));
      assert.deepEqual([error.code, error.exitCode], ["LeaseHeld", 4], error.message);
      assert.match(error.message, /is held by \S+@\S+ \(process \d+\), running "up" since/);
    }
    const lost = ended.filter(({ exitCode }) => exitCode !== 0);
    assert.deepEqual(
      lost.map(({ exitCode, error }) => [exitCode, error.code]),
      lost.map(() => [4, "LeaseHeld"]),
    );
    assert.equal(refused.length + lost.length, 19);
    assert.deepEqual(await livingThings(), [1, 1]);
    assert.deepEqual(linesOf((await stack.plan()).plan), []);
  });

  it("with --wait each waits for its turn, and finds nothing left to do", async () => {
    await drift("security-group");

    const child = start(cli, { waitSeconds: waitMs / 1000 });
    const runs = await Promise.all(Array.from({ length: 4 }, () => stack.up({ waitMs })));
    const ended = await child.ended;

    const worked = runs.filter(({ plan }: Run) => plan.steps.length > 0).length;
    const byChild = ended.output.includes('"event":"end","name":"security-group"') ? 1 : 0;
    assert.deepEqual([ended.exitCode, worked + byChild], [0, 1], ended.output);
  });

  for (const minutes of [10, -10]) {
    it(`a lease is as old as S3 says, for a computer whose clock is off by ${minutes} minutes`, async () => {
      await drift("subnet");
      const { exitCode, error } = await stack.hold(
        () => start(cli, { clockOffByMs: minutes * 60_000 }).ended,
      );

      assert.deepEqual([exitCode, error.code], [4, "LeaseHeld"]);
      const [, age] = /last heartbeat (\d+) s ago/.exec(error.message ?? "") ?? [];
      // Not longer than it lives by itself: else it would have been taken over.
      assert.ok(Number(age) <= leaseSeconds.usual, error.message);
    });
  }

  it("a holder that was killed is taken over after its lease's life, and named", async () => {
    await drift("security-group");
    const child = start(cli);
    await reached("AuthorizeSecurityGroupIngress", () => child.process.kill("SIGKILL"));
    await child.ended;

    await assert.rejects(stack.up(), { code: "LeaseHeld" });
    await aws.ageObjects(leaseSeconds.usual * 1000);
    const { told } = await stack.up({ waitMs });

    assert.ok(
      told.some((text) => /took over the lease of \S+@\S+ \("up"\)/.test(text)),
      told.join(),
    );
    assert.deepEqual(linesOf((await stack.plan()).plan), []);
  });

  for (const fate of ["went through", "was cut"] as const) {
    it(`a holder frozen in a call that ${fate} and taken over writes nothing more when it wakes`, async () => {
      await drift("security-group", "role", "vpc");
      const child = start(cli, { leaseSeconds: leaseSeconds.frozen });
      await reached("AuthorizeSecurityGroupIngress", () => {
        child.process.kill("SIGSTOP");
        if (fate === "was cut") aws.cutAll();
      });
      const { told } = await stack.up({ waitMs });
      assert.ok(told.some((text) => text.startsWith("took over the lease")));
      // Something to do again: what it didn't finish would tempt it.
      await drift("security-group", "role");
      const before = aws.calls.length;

      child.process.kill("SIGCONT");
      const { exitCode, error } = await child.ended;

      assert.deepEqual([exitCode, error.code], [4, "LeaseLost"], error.message);
      const writes = aws.calls.slice(before).filter(({ kind }) => kind === "write");
      // It asked S3 whether the lease is still its own, and got a no: nothing else was even tried.
      assert.deepEqual([...new Set(writes.map(({ operation }) => operation))], ["PutObject"]);
      assert.deepEqual(
        writes.filter(({ outcome }) => outcome === "ok"),
        [],
      );
      await stack.up();
      assert.deepEqual(linesOf((await stack.plan()).plan), []);
    });
  }

  it("down is refused while up works, and removes nothing", async () => {
    const before = aws.calls.length;
    const ended = await stack.hold(() => cli.run("down", "--yes"));

    assert.equal(ended.exitCode, 4, ended.stderr);
    const writes = aws.calls.slice(before).filter(({ kind }) => kind === "write");
    // The lease of the one that works: taken, renewed, given back.
    assert.deepEqual(
      new Set(writes.map(({ operation }) => operation)),
      new Set(["PutObject", "DeleteObject"]),
    );
    assert.deepEqual(await livingThings(), [1, 1]);
  });

  it("up is refused while down works; one that waited makes nothing anew", async () => {
    await refresh();
    const VpcId = stranger.id("vpc");
    const blocker = { VpcId, GroupName: "theirs", Description: "Keeps the VPC from going" };
    const { GroupId } = await stranger.ec2.send(new CreateSecurityGroupCommand(blocker));
    const down = cli.run("down", "--yes");
    await reached("DeleteVpc");

    await assert.rejects(stack.up(), { code: "LeaseHeld", exitCode: 4 });
    const told: string[] = [];
    const waiting = assert.rejects(stack.up({ waitMs, told }), { exitCode: 4 });
    while (!told.some((text) => text.startsWith("waiting for"))) await sleep(50);
    await stranger.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    await waiting;
    const ended = await down;

    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.deepEqual(await livingThings(), [0, 0]);
  });
});
