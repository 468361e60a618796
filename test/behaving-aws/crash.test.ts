import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { createClients } from "../../lib/aws/clients.ts";
import { startBehavingAws } from "./behaving-aws.ts";
import { openCli, type Command, type Ended } from "./cli.ts";
import type { Point } from "./hooks.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-crash-"));
const aws = await startBehavingAws({ logDirectory: directory, ecr: true });
const cli = await openCli({ aws, directory, stack: "test-crash" });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Runs the command and kills it when the operation has come this far. */
async function killAt(operation: string, stage: Point["stage"]): Promise<Ended> {
  let command: Command | undefined = undefined;
  const off = aws.on(async (point) => {
    if (point.call.operation !== operation || point.stage !== stage) return undefined;
    // A refusal is no effect: the profile is new at first.
    if (point.status !== undefined && point.status >= 400) return undefined;
    await command?.kill();
    aws.cutAll();
    return "cut";
  });
  command = cli.start("up", "--yes");
  const ended = await command.ended;
  off();
  return ended;
}

async function livingInstances(): Promise<number | undefined> {
  const { ec2 } = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
  const living = { Name: "instance-state-name", Values: ["pending", "running"] };
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ Filters: [living] }));
  return Reservations?.length;
}

describe("a command that is killed", () => {
  it("after the effect of a call and before its reply goes on with the next run", async () => {
    const killed = await killAt("RunInstances", "decided");
    assert.equal(killed.exitCode, null);
    assert.equal(killed.summary, undefined);
    assert.equal(await livingInstances(), 1);
    await cli.expireLease();
    const ended = await cli.run("up", "--yes");
    assert.equal(ended.exitCode, 0, JSON.stringify(ended.events.slice(-10), undefined, 1));
    assert.equal(await livingInstances(), 1);
  });

  it("leaves nothing that down doesn't find", async () => {
    const ended = await cli.run("down", "--yes");
    assert.equal(ended.exitCode, 0, JSON.stringify(ended.events.slice(-10), undefined, 1));
    assert.equal(await livingInstances(), 0);
  });
});
