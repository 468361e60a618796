import assert from "node:assert/strict";
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ChangeAction,
} from "@aws-sdk/client-route-53";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import { answerFromZones } from "../../lib/local/emulators/zone-names.ts";
import { startNameServer } from "../../lib/local/network/name-server.ts";
import { openCli, story, type Ended } from "./cli.ts";
import { startStrictAws } from "./strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-domain-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const { route53 } = createClients({
  region: "eu-central-1",
  endpoints: aws.bare,
  credentials: aws.credentials,
});
const names = await startNameServer("127.0.0.12", (question) => answerFromZones({ route53 }, question));
const cli = await openCli({ aws, directory, stack: "test-domain" });
cli.environment["BERTH_NAME_SERVER"] = `127.0.0.12:${names.port}`;
after(async () => {
  await cli[Symbol.asyncDispose]();
  await names[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const { HostedZone } = await route53.send(
  new CreateHostedZoneCommand({ Name: "example.org", CallerReference: "the zone" }),
);
const HostedZoneId = HostedZone?.Id ?? "";
const domain = "app.example.org";

async function put(Action: ChangeAction, Name: string, Value: string, TTL = 60): Promise<void> {
  const ResourceRecordSet = { Name, Type: "A" as const, TTL, ResourceRecords: [{ Value }] };
  const batch = { HostedZoneId, ChangeBatch: { Changes: [{ Action, ResourceRecordSet }] } };
  await route53.send(new ChangeResourceRecordSetsCommand(batch));
}

async function records(): Promise<string[]> {
  const { ResourceRecordSets = [] } = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId }));
  return ResourceRecordSets.filter(({ Type }) => Type !== "NS" && Type !== "SOA").map(
    ({ Name, Type, ResourceRecords }) => `${Name} ${Type} ${ResourceRecords?.[0]?.Value}`,
  );
}

async function run(command: "up" | "plan" | "status" | "down", exitCode: number): Promise<Ended> {
  const ended = await cli.run(command, ...(command === "up" || command === "down" ? ["--yes"] : []));
  assert.equal(ended.exitCode, exitCode, story(ended));
  return ended;
}

const said = ({ events }: Ended) =>
  events.flatMap(({ event, text }) => (event === "message" ? [String(text)] : [])).join("\n");
const errorOf = ({ events }: Ended) => events.find(({ event }) => event === "error");

let address = "";
const ours = () =>
  [
    `_berth.${domain}. TXT "berth stack=test-domain region=eu-central-1 generation=1 address=${address}"`,
    `${domain}. A ${address}`,
  ].toSorted();

describe("a stack with a domain in a hosted zone of the account", () => {
  it("isn't begun where somebody else has a record of that name", async () => {
    await cli.configure({ domain });
    await put("CREATE", domain, "198.51.100.1");

    for (const command of ["plan", "up"] as const) {
      const ended = await run(command, 1);
      const error = errorOf(ended);
      assert.equal(error?.["code"], "ForeignResource", story(ended));
      assert.match(String(error["message"]), /app\.example\.org.*A 198\.51\.100\.1/);
      assert.match(String(error["hint"]), /TXT record _berth\.app\.example\.org/);
    }
    assert.deepEqual(await records(), [`${domain}. A 198.51.100.1`]);
    assert.deepEqual(
      aws.calls.filter(({ kind }) => kind === "write"),
      [],
    );
    await put("DELETE", domain, "198.51.100.1");
  });

  it("gets the record, which leads to its address", async () => {
    const ended = await run("up", 0);
    [, address = ""] = /^http:\/\/([\d.]+)\/$/.exec(ended.summary?.url ?? "") ?? [];
    assert.notEqual(address, "", story(ended));
    assert.deepEqual((await records()).toSorted(), ours());
  });

  it("is left alone by a second up", async () => {
    const before = aws.calls.length;
    const ended = await run("up", 0);
    assert.equal(ended.summary?.outcome, "unchanged", story(ended));
    assert.deepEqual(
      aws.calls.slice(before).filter(({ kind }) => kind === "write"),
      [],
    );
  });

  it("has a drifted record shown by plan and status, and repaired by up", async () => {
    await put("UPSERT", domain, "198.51.100.1");
    const plan = await run("plan", 2);
    assert.match(JSON.stringify(plan.events), /"observed":"A 198\.51\.100\.1"/);
    const status = await run("status", 0);
    const shown = JSON.stringify(status.events.find(({ event }) => event === "status")?.["domains"]);
    assert.match(shown, /app\.example\.org leads to 198\.51\.100\.1/);

    await run("up", 0);
    assert.deepEqual((await records()).toSorted(), ours());
  });

  it("goes with its record, and somebody else's stay", async () => {
    await put("CREATE", "other.example.org", "198.51.100.2");
    const { events } = await run("down", 0);
    const census = events.find(({ event }) => event === "census");
    assert.equal(Object(census?.["counts"])["record"], 0);
    assert.deepEqual(await records(), ["other.example.org. A 198.51.100.2"]);
  });
});

describe("a stack whose domain is taken out of the configuration", () => {
  it("has the record removed by the next up", async () => {
    await cli.configure({ domain: ["one.example.org", "two.example.org"] });
    await run("up", 0);
    await cli.configure({ domain: "two.example.org" });
    const plan = await run("plan", 2);
    assert.match(
      JSON.stringify(plan.events.find(({ event }) => event === "plan")?.["superseded"]),
      /one\.example\.org/,
    );
    await run("up", 0);
    assert.deepEqual(
      (await records()).filter((one) => one.includes("one.")),
      [],
    );
    assert.ok((await records()).some((one) => one.startsWith("two.example.org. A ")));
  });

  it("has it removed where no domain is left, and no call of Route 53 is made after that", async () => {
    await cli.configure();
    await run("up", 0);
    assert.deepEqual(await records(), ["other.example.org. A 198.51.100.2"]);
    const before = aws.calls.length;
    await run("plan", 0);
    assert.deepEqual(
      aws.calls.slice(before).filter(({ service }) => service === "route53"),
      [],
    );
  });
});

describe("a stack whose domain no hosted zone covers", () => {
  it("serves by HTTP, and says which record to set", async () => {
    await cli.configure({ domain: "app.example.net" });
    const ended = await run("up", 0);
    assert.match(ended.summary?.url ?? "", /^http:\/\/[\d.]+\/$/);
    const text = said(ended);
    assert.match(text, /set the record `app\.example\.net\. 60 IN A [\d.]+`/);
    assert.match(text, /waiting for DNS: app\.example\.net doesn't resolve/);
    assert.match(text, /no HTTPS yet: the app is served by HTTP/);
    await run("down", 0);
  });
});
