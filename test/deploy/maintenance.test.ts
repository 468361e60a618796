import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { z } from "zod";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { ownPage, pageHash } from "../../lib/release/maintenance.ts";
import { release as releaseSchema } from "../../lib/release/schema.ts";
import { stackNames } from "../../lib/stack.ts";
import { takeLease } from "../../state/lease/lease.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openCli, story } from "../strict-aws/cli.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-maintenance-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
let status = 200;
const cli = await openCli({ aws, directory, stack: "closed", answers: () => status });
const { s3 } = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
const { bucket } = stackNames({ stack: cli.stack, region: cli.region }, localAccount);
const store = openS3Store({ client: s3, bucket, account: localAccount });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function ask(...[command, ...more]: Parameters<typeof cli.run>) {
  const ended = await cli.run(command, ...more);
  const find = (event: string) => ended.events.find((one) => one.event === event);
  return { ...ended, find, text: story(ended), writes: ended.summary?.calls.write };
}

const published = async () => releaseSchema.parse(JSON.parse((await store.get("release.json"))?.body ?? ""));

const ship = async (replicas: number) => {
  await cli.configure({ app: { source: join(directory, "app"), port: 8080, replicas } });
  return ask("up", "--yes");
};

it("needs a release, a page that can be shown, and somebody to ask", async () => {
  const none = await ask("maintenance", "on", "--yes");
  assert.deepEqual([none.exitCode, none.find("error")?.["code"]], [3, "NoRelease"], none.text);
  assert.equal((await ship(1)).exitCode, 0);
  const large = join(directory, "large.html");
  await writeFile(large, "x".repeat(64 * 1024 + 1));
  await writeFile(join(directory, "empty.html"), "");
  await writeFile(join(directory, "latin.html"), Buffer.from([0x63, 0x61, 0x66, 0xe9]));
  await mkdir(join(directory, "folder.html"));
  const before = await published();

  for (const [name, why] of [
    ["large", /large\.html can't be the page for visitors: it is larger than 64 KiB/],
    ["empty", /it is empty/],
    ["latin", /it is no text in UTF-8/],
    ["folder", /it is no regular file|EISDIR/],
    ["absent", /no such file/],
  ] as const) {
    const refused = await ask("maintenance", "on", "--yes", "--page", join(directory, `${name}.html`));
    assert.deepEqual([refused.exitCode, refused.find("error")?.["code"], refused.writes], [3, "BadPage", 0]);
    assert.match(String(refused.find("error")?.["message"]), why);
  }
  const unasked = await ask("maintenance", "on");
  assert.deepEqual([unasked.exitCode, unasked.find("error")?.["code"]], [3, "NeedsConfirmation"]);
  assert.deepEqual(await published(), before);
});

it("is shown by the host, told by status and plan, and kept by releases and rollbacks until it is switched off", async () => {
  const before = await published();
  const file = join(directory, "closed.html");
  await writeFile(file, "x".repeat(64 * 1024));
  status = 503;

  const on = await ask("maintenance", "on", "--yes", "--page", file);

  assert.equal(on.exitCode, 0, on.text);
  const { isOn, since, by } = z
    .object({ isOn: z.boolean(), since: z.string(), by: z.string() })
    .parse(on.find("maintenance"));
  assert.equal(isOn, true);
  assert.match(by, /^arn:aws:/);
  const { maintenance, ...rest } = await published();
  assert.deepEqual(rest, before, "nothing else changes");
  assert.deepEqual(maintenance, { since, by, page: "x".repeat(64 * 1024) });

  const said = new RegExp(
    `on since ${since.slice(0, 10)} \\d\\d:\\d\\d UTC by \\S+: every request gets a 503 and the page`,
  );
  const plan = await ask("plan");
  assert.equal(plan.exitCode, 0, "it is no difference");
  assert.match(JSON.stringify(plan.find("plan")?.["warnings"]), /"code":"maintenance-on"/);
  assert.match(JSON.stringify(plan.find("plan")?.["warnings"]), said);
  const seen = await ask("status");
  assert.match(
    JSON.stringify(seen.find("status")?.["release"]),
    /"maintenance":\{"since":"[^"]+","by":"[^"]+"\}/,
  );

  const again = await ask("maintenance", "on", "--yes", "--page", file);
  assert.deepEqual([again.exitCode, again.summary?.outcome, again.writes], [0, "unchanged", 0]);
  const own = await ask("maintenance", "on", "--yes");
  assert.equal(own.exitCode, 0, own.text);
  assert.deepEqual((await published()).maintenance, { since, by, page: ownPage });

  const shipped = await ship(2);
  assert.equal(shipped.exitCode, 0, shipped.text);
  assert.match(shipped.text, said);
  assert.deepEqual([(await published()).number, (await published()).maintenance?.page], [2, ownPage]);
  const back = await ask("rollback", "--yes");
  assert.equal(back.exitCode, 0, back.text);
  assert.match(back.text, said);
  assert.deepEqual([(await published()).number, (await published()).maintenance?.since], [3, since]);

  status = 200;
  const off = await ask("maintenance", "off");
  assert.deepEqual([off.exitCode, off.find("maintenance")?.["isOn"]], [0, false], off.text);
  assert.equal((await published()).maintenance, undefined);
  assert.equal((await published()).number, 3);
  const unchanged = await ask("maintenance", "off");
  assert.deepEqual([unchanged.summary?.outcome, unchanged.writes], ["unchanged", 0]);
  assert.doesNotMatch((await ask("status")).text, /"maintenance"/);
});

it("waits for nobody's lease, and writes nothing without it", async () => {
  const before = await published();
  const held = await takeLease(store, { operation: "up" });
  const refused = await ask("maintenance", "on", "--yes");
  await held.release();
  assert.deepEqual([refused.exitCode, refused.find("error")?.["code"]], [4, "LeaseHeld"], refused.text);
  assert.deepEqual(await published(), before);
});

it("names a page by its hash", () => {
  assert.equal(pageHash("é"), "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c");
});
