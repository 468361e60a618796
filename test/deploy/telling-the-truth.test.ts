import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { openCli } from "../strict-aws/cli.ts";
import type { HostSays } from "../strict-aws/stand-in-host.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-truth-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
let answer = 200;
const says = (release: number): HostSays | undefined =>
  release === 2
    ? { status: "failed", serves: 1, reason: "no database", log: ["connect: refused"] }
    : { status: "serving", serves: release, log: ["app-1-0: KeyError: 'shop'"] };
const cli = await openCli({ aws, directory, stack: "truth", says, answers: () => answer });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const find = (events: readonly { readonly event: string }[], name: string) =>
  JSON.stringify(events.find(({ event }) => event === name));

it("an app that answers nothing but 500 is told so, with the end of its log", async () => {
  answer = 500;
  const up = await cli.run("up", "--yes");
  answer = 200;

  assert.equal(up.exitCode, 5);
  const error = find(up.events, "error");
  assert.match(error, /"code":"AppFails"/);
  assert.match(
    error,
    /"message":"\d+ requests for http:\S+ got no better answer than HTTP 500: the app fails"/,
  );
  assert.match(error, /"detail":\["app-1-0: KeyError: 'shop'"\]/);
  assert.doesNotMatch(error, /firewall/);
});

it("a release that failed isn't shown as the one that serves", async () => {
  await cli.configure({ app: { source: join(directory, "app"), port: 8080, replicas: 3 } });
  const recordsRead = () => aws.calls.filter(({ url }) => /\/releases\/\d/.test(url)).length;
  const read = recordsRead();
  const before = find((await cli.run("status")).events, "status");
  assert.equal(recordsRead() - read, 0, "a record was read though the published release serves");
  const up = await cli.run("up", "--yes");
  const afterwards = find((await cli.run("status")).events, "status");

  assert.equal(up.exitCode, 5);
  assert.match(before, /"rollout":\{"status":"serving","serves":1,"at":"[^"]+"\}/);
  assert.match(
    afterwards,
    /"release":\{"number":2,.*"rollout":\{"status":"failed","serves":1,"at":"[^"]+"\}/,
  );
  assert.doesNotMatch(before, /"serving":\{/);
  assert.match(
    afterwards,
    /"serving":\{"number":1,"image":"[^"]+@sha256:[^"]+","at":"[^"]+","by":"arn:aws:[^"]+"\}/,
  );
});

it("down says what it removes, of which account and region, before it does", async () => {
  const { exitCode, events } = await cli.run("down", "--yes");

  assert.equal(exitCode, 0);
  const names = events.map(({ event }) => event);
  assert.ok(names.indexOf("removal") < names.indexOf("begin"), names.join(" "));
  const removal = find(events, "removal");
  assert.match(removal, /"account":"123456789012".*"region":"eu-central-1","stack":"truth"/);
  assert.match(removal, /"caller":"arn:aws:/);
  for (const name of ["bucket", "instance", "address"]) assert.match(removal, new RegExp(`"name":"${name}"`));
});
