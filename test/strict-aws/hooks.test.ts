import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { beforeEach, describe, it } from "node:test";
import { CreateVpcCommand, DescribeVpcsCommand, type EC2Client } from "@aws-sdk/client-ec2";
import { fromRoot } from "../../lib/paths.ts";
import { openTwoRoutes, outcome } from "./account.ts";
import type { Point } from "./hooks.ts";

const { aws, strict, bare, patient } = await openTwoRoutes({});

const oneVpc = () => new CreateVpcCommand({ CidrBlock: "10.8.0.0/16" });

async function countVpcs(ec2: EC2Client): Promise<number> {
  const { Vpcs = [] } = await ec2.send(
    new DescribeVpcsCommand({ Filters: [{ Name: "cidr", Values: ["10.8.0.0/16"] }] }),
  );
  return Vpcs.length;
}

describe("hooks", () => {
  beforeEach(() => aws.reset());

  it("are told of each point of a call, in order, while it stands still", async () => {
    const points: unknown[] = [];
    aws.on(async ({ stage, call, status }) => {
      points.push([stage, call.operation, call.number, status, await countVpcs(bare.ec2)]);
    });
    await strict.ec2.send(oneVpc());
    await until(() => points.length === 3);
    assert.deepEqual(points, [
      ["arrived", "CreateVpc", 1, undefined, 0],
      ["decided", "CreateVpc", 1, 200, 1],
      ["answered", "CreateVpc", 1, 200, 1],
    ]);
  });

  it("can cut the call where it is", async () => {
    const cutAt = async (stage: Point["stage"]) => {
      const off = aws.on((point) => (point.stage === stage ? "cut" : undefined));
      const how = await outcome(strict.ec2.send(oneVpc()));
      off();
      return [how, await countVpcs(bare.ec2)];
    };
    assert.deepEqual(await cutAt("arrived"), ["LostReply", 0]);
    assert.deepEqual(await cutAt("decided"), ["LostReply", 1]);
  });

  it("hold every other call back", async () => {
    const order: string[] = [];
    const gate = withResolvers();
    aws.on(async ({ stage, call }) => {
      if (stage !== "arrived") return;
      order.push(`${call.operation} arrived`);
      if (call.operation === "CreateVpc") await gate.promise;
    });
    const first = strict.ec2.send(oneVpc()).then(() => order.push("CreateVpc done"));
    await until(() => order.length === 1);
    const second = strict.ec2.send(new DescribeVpcsCommand({})).then(() => order.push("DescribeVpcs done"));
    await until(() => aws.calls.length === 2);
    assert.deepEqual(order, ["CreateVpc arrived"]);
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order.slice(0, 2), ["CreateVpc arrived", "DescribeVpcs arrived"]);
  });

  for (const [stage, made] of [
    ["arrived", 0],
    ["decided", 1],
    ["answered", 1],
  ] as const) {
    it(`let a process be killed at exactly that point: ${stage}`, async () => {
      let victim: ChildProcess | undefined = undefined;
      const struck = withResolvers();
      const off = aws.on(async (point) => {
        if (point.stage !== stage || victim === undefined) return undefined;
        await kill(victim);
        aws.cutAll();
        struck.resolve();
        return "cut";
      });
      // The victim makes one after the other, endlessly.
      victim = startVictim();
      await struck.promise;
      off();
      assert.equal(await countVpcs(bare.ec2), made);
      const settled = aws.calls.length;
      // This client retries, because its own connection was cut as well.
      await patient.ec2.send(new DescribeVpcsCommand({}));
      assert.equal(await countVpcs(bare.ec2), made);
      assert.ok(aws.calls.length <= settled + 1);
    });
  }
});

function startVictim(): ChildProcess {
  const { accessKeyId, secretAccessKey } = aws.credentials;
  const script = `
    import { CreateVpcCommand, EC2Client } from "@aws-sdk/client-ec2";
    const ec2 = new EC2Client({ region: "eu-central-1", maxAttempts: 1 });
    for (;;) await ec2.send(new CreateVpcCommand({ CidrBlock: "10.8.0.0/16" }));`;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: "inherit",
    cwd: fromRoot("test/strict-aws"),
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL_EC2: aws.endpoints.ec2,
    },
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

function withResolvers() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
