import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { CreateTagsCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { releaseKey } from "../../lib/release/document.ts";
import { hostReportKey } from "../../lib/release/reports.ts";
import { stackNames } from "../../lib/stack.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { openCli } from "../strict-aws/cli.ts";
import { allPayloads, assertHarmless, assertUnforged } from "../report/payloads.ts";
import { type Finished, runScript } from "./command-line.ts";

// Everything that a stranger may have written into the bucket, the tags or an answer is as bad as can be.
const directory = await mkdtemp(join(tmpdir(), "berth-hostile-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const log = [allPayloads, `a${"\f".repeat(1_000)}b`];
const fails = { status: "failed", reason: allPayloads, log } as const;
/** No host fails by itself: only the releases that the tests publish beyond the seventh. */
const says = (release: number) => (release > 7 ? fails : undefined);
const cli = await openCli({ aws, directory, stack: "hostile", says });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
const { region, stack, config } = cli;
const { s3, ec2 } = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
const { bucket: Bucket } = stackNames({ stack, region }, localAccount);
const source = join(directory, "app");
/** XML takes no half characters. */
const tagValue = allPayloads.replaceAll(/[\uD800-\uDFFF\0]/g, "").slice(0, 250);

const put = (Key: string, body: object) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(body) }));

async function change(Key: string, values: object): Promise<void> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  await put(Key, { ...JSON.parse((await Body?.transformToString()) ?? ""), ...values });
}

async function run(script: string, ...args: readonly string[]): Promise<Finished> {
  const env = Object.entries({ ...cli.environment, BERTH_HOME: join(directory, "home") });
  const known = env.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return runScript(script, ["--config", config, ...args], { env: Object.fromEntries(known) });
}

function assertSafe(
  { stdout, stderr, exitCode }: Finished,
  expected: { exitCode: number; said: RegExp },
): void {
  assert.equal(exitCode, expected.exitCode, `${stdout}${stderr}`);
  assert.match(`${stdout}${stderr}`, expected.said);
  for (const output of [stdout, stderr]) {
    assertHarmless(output);
    assertUnforged(output);
  }
}

await cli.configure({ app: { source, port: 8080 }, tags: { team: "web" } });
assert.equal((await cli.run("up", "--yes")).exitCode, 0);

beforeEach(async () => {
  const { Vpcs = [] } = await ec2.send(
    new DescribeVpcsCommand({ Filters: [{ Name: "tag:berth:stack", Values: [stack] }] }),
  );
  const Resources = Vpcs.flatMap(({ VpcId }) => VpcId ?? []);
  await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "team", Value: tagValue }] }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "state.json" }));
  const document: { resources: { instance: { id: string } } } = JSON.parse(
    (await Body?.transformToString()) ?? "",
  );
  const instance = document.resources.instance.id;
  await change(releaseKey, { number: 7, by: allPayloads, commit: allPayloads });
  await change(hostReportKey(instance), { release: 7, ...fails });
  await change("state.json", {
    writer: allPayloads,
    savedAt: allPayloads,
    pins: { "image.other": allPayloads },
  });
});

for (const more of [[], ["--json"]]) {
  const how = more.length > 0 ? "as events" : "as text";

  test(`plan, ${how}: a tag's value`, async () => {
    assertSafe(await run("provision/plan.ts", ...more), { exitCode: 2, said: /tags\.team/ });
  });

  test(`status, ${how}: the author of the release`, async () => {
    assertSafe(await run("provision/status.ts", ...more), { exitCode: 0, said: /"number":7|release +7 / });
  });

  test(`state show, ${how}: the document and the lease's holder`, async () => {
    const lease = { id: "1", holder: allPayloads, host: allPayloads, process: 7, operation: allPayloads };
    await put("lease.json", { ...lease, since: allPayloads, ttlMs: 60_000, beat: 0 });
    const shown = await run("state/repair/commands.ts", "show", ...more);
    const raw = await run("state/repair/commands.ts", "show", "--raw", ...more);
    const held = await run("provision/up.ts", "--yes", ...more);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "lease.json" }));

    assertSafe(shown, { exitCode: 0, said: /image\.other/ });
    assertSafe(raw, { exitCode: 0, said: /image\.other/ });
    assertSafe(held, { exitCode: 4, said: /LeaseHeld/ });
  });

  test(`state history, ${how}: who wrote each version`, async () => {
    assertSafe(await run("state/repair/commands.ts", "history", ...more), {
      exitCode: 0,
      said: /pin image\.other/,
    });
  });

  test(`up, ${how}: the log of an app that failed`, async () => {
    assertSafe(await run("provision/up.ts", "--yes", ...more), { exitCode: 5, said: /ReleaseUnhealthy/ });
  });

  test(`plan, ${how}: the message of an answer of AWS`, async () => {
    const message = tagValue.replaceAll(/[<&]/g, "");
    const body = `<ErrorResponse><Error><Code>Odd</Code><Message>${message}</Message></Error></ErrorResponse>`;
    const server = createServer((_request, response) => response.writeHead(400).end(body)).listen(
      0,
      "127.0.0.1",
    );
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const env = {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "b",
    };
    const finished = await runScript("provision/plan.ts", ["--config", config, ...more], { env });
    server.close();

    assertSafe(finished, { exitCode: 1, said: /Odd/ });
  });

  test(`plan, ${how}: keys and values of a configuration`, async () => {
    const odd = join(directory, "odd.yaml");
    const text = JSON.stringify({ [allPayloads]: 1, region: allPayloads, app: { source: allPayloads } });
    await writeFile(odd, text);

    assertSafe(await run("provision/plan.ts", ...more, "--config", odd), {
      exitCode: 3,
      said: /BadConfiguration/,
    });
  });

  test(`an argument, ${how}`, async () => {
    const argument = allPayloads.replaceAll("\0", "");

    assertSafe(await run("provision/plan.ts", argument, ...more), { exitCode: 3, said: /BadArguments/ });
  });
}

test("plan and up name once what looks private in the build context", async () => {
  await writeFile(join(source, ".env"), "TOKEN=1\n");

  const finished = await Promise.all([run("provision/plan.ts"), run("provision/up.ts", "--yes")]);
  await rm(join(source, ".env"));

  for (const { stdout, stderr } of finished)
    assert.equal(`${stdout}${stderr}`.match(/looks private: \.env$/gm)?.length, 1, stderr);
});
