import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { BatchDeleteImageCommand } from "@aws-sdk/client-ecr";
import { z } from "zod";
import { createClients } from "../../lib/aws/clients.ts";
import { openCli } from "../strict-aws/cli.ts";
import type { HostSays } from "../strict-aws/stand-in-host.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-rollback-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const failing = new Map<number, number>();
const says = (release: number): HostSays | undefined => {
  const serves = failing.get(release);
  return serves === undefined
    ? undefined
    : { status: "failed", serves, reason: "no database", log: ["boom"] };
};
const cli = await openCli({ aws, directory, stack: "rollback", says });
const { ecr } = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const rowsSchema = z.array(
  z.object({
    number: z.number(),
    result: z.string(),
    rolledBack: z.object({ from: z.number(), to: z.number() }).optional(),
    settings: z.record(z.string(), z.string()).optional(),
  }),
);

async function ask(command: "up" | "plan" | "rollback" | "history" | "status", ...more: string[]) {
  const { exitCode, events, summary } = await cli.run(command, ...more);
  const rows = events.find(({ event }) => event === "releases")?.["releases"];
  return { exitCode, summary, text: JSON.stringify(events), rows: rowsSchema.parse(rows ?? []) };
}

const ship = async (replicas: number) => {
  const environment = { MODE: "fast", API_KEY: `geheim-${replicas}` };
  await cli.configure({ app: { source: join(directory, "app"), port: 8080, replicas, environment } });
  return ask("up", "--yes");
};
const history = async () => {
  const { rows, text } = await ask("history");
  assert.doesNotMatch(text, /geheim/);
  return rows.map(({ number, result, rolledBack }) =>
    [number, result, ...(rolledBack === undefined ? [] : [rolledBack.from, rolledBack.to])].join(" "),
  );
};

it("goes back to what served, again and again, with all its settings, and says where it can't", async () => {
  const none = await ask("rollback", "--yes");
  assert.equal(none.exitCode, 3);
  assert.match(none.text, /NothingToRollBack.*there is no release yet/);
  assert.equal((await ship(1)).exitCode, 0);
  assert.match((await ask("rollback", "--yes")).text, /NothingToRollBack.*no release before 1 /);
  assert.equal((await ship(2)).exitCode, 0);
  failing.set(3, 2);
  assert.equal((await ship(3)).exitCode, 5);
  assert.deepEqual(await history(), ["3 failed", "2 serves", "1 served"]);

  const fromFailed = await ask("rollback", "--yes");

  assert.equal(fromFailed.exitCode, 0, fromFailed.text);
  assert.match(fromFailed.text, /"event":"rollback","from":3,"to":2/);
  assert.deepEqual(await history(), ["4 serves 3 2", "3 failed", "2 served", "1 served"]);
  const planned = await ask("plan");
  assert.equal(planned.exitCode, 2);
  assert.match(planned.text, /rolled back from 3 to 2 by .* at .*; up would ship what the source is now/);
  assert.match((await ask("status")).text, /"rolledBack":\{"from":3,"to":2\}/);

  const further = await ask("rollback", "--yes");

  assert.equal(further.exitCode, 0, further.text);
  const { rows } = await ask("history");
  assert.deepEqual([rows[0]?.rolledBack?.to, rows[0]?.settings?.["replicas"]], [1, "1"]);
  const writes = (await ask("rollback", "1", "--yes")).summary?.calls.write;
  assert.equal(writes, 0);
  for (const [word, code] of [
    ["3", "ReleaseNeverServed"],
    ["77", "NoSuchRelease"],
    ["x", "BadArguments"],
  ] as const) {
    const refused = await ask("rollback", word, "--yes");
    assert.deepEqual([refused.exitCode, refused.text.includes(`"code":"${code}"`)], [3, true], refused.text);
  }
  failing.set(6, 5);
  const failed = await ask("rollback", "2", "--yes");
  assert.equal(failed.exitCode, 5);
  assert.match(failed.text, /release 6 failed on i-\w+: no database; release 5 still serves/);
  const up = await ship(3);
  assert.equal(up.exitCode, 0, up.text);
  assert.deepEqual((await history()).slice(0, 3), ["7 serves", "6 failed 5 2", "5 served 4 1"]);
  const repositoryName = "berth/rollback";
  const { text } = await ask("history");
  const imageDigest = /@(sha256:[0-9a-f]{64})/.exec(text)?.[1];
  await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageDigest }] }));
  const gone = await ask("rollback", "--yes");
  assert.deepEqual([gone.exitCode, gone.text.includes('"code":"ImageGone"')], [1, true], gone.text);
});
