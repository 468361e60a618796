import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { connectDocker } from "../../lib/docker/connection.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { until } from "../local/temporary-aws.ts";
import { crashingApp, talkingApp } from "./apps.ts";
import { requireExit } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

type Fields = Readonly<Record<string, unknown>>;

describe("logs of a booted host", () => {
  let home: Home;
  let stack: Stack;
  let url: string;
  before(async () => {
    home = await openHome();
    await using app = await writeSourceFolder(talkingApp);
    stack = new Stack(home, "talking");
    await stack.configure({ source: app.path, lines: ["logs: { days: 3 }"] });
    const first = await stack.up();
    requireExit(first, 0);
    url = String(first.summary["url"]);
  });
  after(async () => {
    await home?.[Symbol.asyncDispose]();
  });

  const shown = async (...words: string[]): Promise<Fields[]> => {
    const run = await stack.logs(words);
    requireExit(run, 0);
    return run.events.filter(({ event }) => event === "log");
  };
  const hasText = async (text: string, ...words: string[]) =>
    (await shown(...words)).some((line) => String(line["text"]).includes(text));
  const onHost = async (script: string) => {
    const { ec2 } = await home.clients();
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    const id = Reservations[0]?.Instances?.[0]?.InstanceId ?? assert.fail("no host");
    return runInMachine(await connectDocker(), id, script);
  };

  it("have what each replica wrote, the last words of one that crashed too", async () => {
    await fetch(`${url}hello`);
    await fetch(`${url}die`, { method: "POST" });
    // Each replica's lines are sent by themselves, so those of one may be there well before the other's.
    await until(async () => (await hasText("dying")) && hasText("GET /hello"));
    const lines = await shown("app", "--release", "1");
    const words = (text: string) => lines.find((line) => line["text"] === text) ?? assert.fail(text);
    assert.match(String(words("GET /hello")["source"]), /^app-1-[01]$/);
    assert.match(String(words("dying")["host"]), /^i-/);
    assert.deepEqual(await shown("app", "--release", "2"), []);
  });

  it("have each request that failed, with its path and without its query, and no other", async () => {
    assert.equal((await fetch(`${url}fail?token=hidden`, { method: "POST" })).status, 500);
    await until(() => hasText("/fail", "edge"));
    const failures = (await shown("edge")).flatMap((line) => (line["fields"] === undefined ? [] : [line]));
    assert.ok(failures.every((line) => Number(Object(line["fields"])["status"]) >= 500));
    const failed = failures.find((line) => Object(line["fields"])["path"] === "/fail");
    assert.equal(Object(failed?.["fields"])["method"], "POST");
    assert.doesNotMatch(JSON.stringify(failures), /hidden/);
  });

  it("have what Berth did on the host", async () => {
    await until(() => hasText("berth: release 1 serves", "host"));
    const sources = new Set((await shown("host", "--since", "1h")).map((line) => line["source"]));
    assert.ok(sources.has("agent"), [...sources].join());
  });

  it("keep no app waiting while CloudWatch is away, and the host's come later", async () => {
    await onHost("echo 127.0.0.1 logs.eu-central-1.amazonaws.com >> /etc/hosts");
    await onHost("docker kill app-1-0 app-1-1");
    await until(async () => (await fetch(url)).status === 200);
    // The file itself is mounted, so nothing can take its place.
    await onHost("grep -v amazonaws /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts");
    await until(() => hasText("brought back", "host"));
  });

  it("have what a release said that failed its gate, as up has it", async () => {
    await using app = await writeSourceFolder(crashingApp);
    await stack.configure({ source: app.path, lines: ["logs: { days: 3 }"] });
    const failed = await stack.up();
    requireExit(failed, 5);
    const error = failed.events.find(({ event }) => event === "error");
    assert.match(JSON.stringify(error?.["detail"]), /no database/);
    await until(() => hasText("no database", "--release", "2"));
    await until(() => hasText("berth: release 2 failed", "host"));
  });

  it("are gone after down, which counts them", async () => {
    const down = await stack.down();
    requireExit(down, 0);
    const census = down.events.find(({ event }) => event === "census");
    assert.equal(Object(census?.["counts"])["log-group"], 0);
  });
});
