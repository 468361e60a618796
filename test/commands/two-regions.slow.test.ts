import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { GetInstanceProfileCommand, GetRoleCommand } from "@aws-sdk/client-iam";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { stackNames } from "../../lib/stack.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { openCli, type Ended } from "../strict-aws/cli.ts";

const stack = "test-two-regions";
const directory = await mkdtemp(join(tmpdir(), "berth-regions-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const open = async (region: string) => {
  const folder = join(directory, region);
  await mkdir(folder);
  return openCli({ aws, directory: folder, stack, region });
};
const old = await open("eu-central-1");
const next = await open("us-east-1");
const third = await open("eu-west-1");
after(async () => {
  await Promise.all([old, next, third].map((cli) => cli[Symbol.asyncDispose]()));
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const { iam } = createClients({ region: old.region, endpoints: aws.bare, credentials: aws.credentials });

/** Role and profile of the stack in a region; undefined when they are gone. */
async function readIam(region: string): Promise<unknown> {
  const { role } = stackNames({ stack, region }, localAccount);
  try {
    const [{ Role }, { InstanceProfile }] = await Promise.all([
      iam.send(new GetRoleCommand({ RoleName: role })),
      iam.send(new GetInstanceProfileCommand({ InstanceProfileName: role })),
    ]);
    return JSON.parse(JSON.stringify({ ...Role, RoleLastUsed: undefined, InstanceProfile }));
  } catch (error) {
    if (error instanceof Error && error.name.startsWith("NoSuchEntity")) return undefined;
    throw error;
  }
}

const requireDone = ({ exitCode, events, stderr }: Ended): void =>
  assert.equal(exitCode, 0, [...events.slice(-10).map((one) => JSON.stringify(one)), stderr].join("\n"));

const messagesOf = ({ events }: Ended): string =>
  events.flatMap(({ event, text }) => (event === "message" ? [String(text)] : [])).join("\n");

describe("region changed in berth.yaml", () => {
  let before: unknown;

  it("down says where the stack is, and leaves it", async () => {
    requireDone(await old.run("up", "--yes"));
    before = await readIam(old.region);
    assert.ok(before);

    const ended = await next.run("down", "--yes");

    requireDone(ended);
    assert.equal(ended.summary?.outcome, "unchanged");
    assert.match(messagesOf(ended), /not deployed in us-east-1.*is in eu-central-1/);
    assert.deepEqual(await readIam(old.region), before);
  });

  it("a first plan says where the stack is, and what that means", async () => {
    const ended = await next.run("plan");
    assert.equal(ended.exitCode, 2);
    assert.match(
      JSON.stringify(ended.events),
      /"other-region".*is in eu-central-1 already; this one in us-east-1 is another/,
    );
  });

  it("up makes another stack; the old one stays as it is and has nothing to do", async () => {
    requireDone(await next.run("up", "--yes"));
    assert.deepEqual(await readIam(old.region), before);
    requireDone(await old.run("plan"));
    requireDone(await next.run("plan"));
  });

  it("down in a third region names both", async () => {
    const ended = await third.run("down", "--yes");
    requireDone(ended);
    assert.match(messagesOf(ended), /is in eu-central-1, us-east-1/);
  });

  it("down of the one takes nothing of the other", async () => {
    const ended = await next.run("down", "--yes");
    requireDone(ended);
    assert.deepEqual(ended.summary?.left, []);
    assert.equal(await readIam(next.region), undefined);
    assert.deepEqual(await readIam(old.region), before);
    requireDone(await old.run("plan"));
  });
});
