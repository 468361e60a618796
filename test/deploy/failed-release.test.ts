import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { openCli } from "../strict-aws/cli.ts";
import type { HostSays } from "../strict-aws/stand-in-host.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-failed-release-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const failing = new Set<number>();
const says = (release: number): HostSays | undefined =>
  failing.has(release)
    ? { status: "failed", serves: 1, reason: `no database (${release})`, log: ["connect: refused"] }
    : undefined;
const cli = await openCli({ aws, directory, stack: "failed-release", says });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** All that a command says, and how it ended. */
async function ask(command: "up" | "plan", ...more: string[]) {
  const { exitCode, events } = await cli.run(command, ...more);
  return { exitCode, text: JSON.stringify(events) };
}

it("a release that failed is tried again by the same command, as a release of its own, and the plan says so", async () => {
  assert.equal((await ask("up", "--yes")).exitCode, 0);
  for (const number of [2, 3]) failing.add(number);
  await cli.configure({ app: { source: join(directory, "app"), port: 8080, replicas: 3 } });

  const first = await ask("up", "--yes");
  const planned = await ask("plan");
  const second = await ask("up", "--yes");
  const third = await ask("up", "--yes");
  const last = await ask("plan");

  assert.deepEqual([first.exitCode, planned.exitCode, second.exitCode], [5, 2, 5]);
  assert.match(first.text, /release 2 failed on i-\w+: no database \(2\); release 1 still serves/);
  assert.match(planned.text, /"observed":"release 2 failed"/);
  assert.match(planned.text, /"desired":"release 3 serving"/);
  assert.match(planned.text, /it is tried again, as a new release/);
  assert.match(second.text, /release 3 failed on i-\w+: no database \(3\)/);
  assert.deepEqual([third.exitCode, last.exitCode], [0, 0]);
  assert.match(third.text, /"number":4/);
});
