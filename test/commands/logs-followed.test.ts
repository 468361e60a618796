import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import { followLogs } from "../../lib/deploy/log-reading.ts";
import { requireExit, runScript } from "./command-line.ts";
import { openStrictStack, type StrictStack } from "./strict-stack.ts";
import { writeLines } from "./written-logs.ts";

const group = "/berth/following";

describe("logs that are followed", () => {
  let opened: StrictStack;
  /** Ages are counted from here, so that lines stand in the same order however long it takes to write them. */
  const writtenMs = Date.now();
  before(async () => {
    opened = await openStrictStack("following");
    await opened.cli.configure({ logs: {} });
    await clients().logs.send(new CreateLogGroupCommand({ logGroupName: group }));
    await write("app/app-1-0/i-1", [50_000, "one"], [30_000, "three"]);
    await write("app/app-1-1/i-1", [40_000, "two"]);
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const clients = () => opened.clients();
  const write = (stream: string, ...lines: (readonly [number, string])[]) =>
    writeLines(clients(), { group, stream, fromMs: writtenMs }, lines);

  it("are each shown once, the new ones too, until the command is stopped", async () => {
    const stop = new AbortController();
    const timings = { firstMs: 10, longestMs: 50 };
    const place = { account: "123456789012", region: opened.cli.region, note: () => {}, timings };
    const ctx = { ...place, clients: clients(), signal: stop.signal };
    const seen: string[] = [];
    const following = (async () => {
      const query = { group, prefixes: ["app/app-1-"], sinceMs: writtenMs - 100_000 };
      for await (const { text } of followLogs(ctx, query)) {
        seen.push(text);
        if (text === "three") await write("app/app-1-2/i-1", [0, "new"]);
        if (text === "new") stop.abort();
      }
    })();
    await assert.rejects(following, { name: "AbortError" });
    assert.deepEqual(seen, ["one", "two", "three", "new"]);
  });

  it("end with Ctrl-C, of which nothing is said", async () => {
    const { cli } = opened;
    const args = ["--config", cli.config, "--json", "--since", "1h", "--follow"];
    const ended = await runScript("provision/logs.ts", args, {
      env: definedIn(cli.environment),
      onEvent: ({ event, text }, kill) => {
        if (event === "log" && text === "new") kill("SIGINT");
      },
    });
    requireExit(ended, 130);
    assert.equal(ended.summary["outcome"], "interrupted");
    const kinds = new Set(ended.events.map(({ event }) => event));
    assert.deepEqual([...kinds], ["log", "summary"]);
    assert.equal(ended.stderr, "");
  });

  it("come with word of how far behind they are before all is read, but not with each line", async () => {
    const total = 7_000;
    const lines = Array.from({ length: total }, (_none, at) => [60_000, `many ${at}`] as const);
    await write("app/app-2-0/i-1", ...lines);
    const stop = new AbortController();
    const place = { account: "123456789012", region: opened.cli.region, note: () => {} };
    const ctx = { ...place, clients: clients(), signal: stop.signal };
    const query = { group, prefixes: ["app/app-2-"], sinceMs: writtenMs - 100_000 };
    const told: { ms: number; read: number }[] = [];
    const startedMs = Date.now();
    const seen: string[] = [];
    const onBehind = (ms: number) => told.push({ ms, read: seen.length });
    for await (const { text } of followLogs(ctx, query, onBehind)) {
      seen.push(text);
      if (seen.length === total) break;
    }
    assert.ok(told.length >= 1, "it wasn't told");
    assert.ok(
      told.every(({ ms }) => ms >= 60_000),
      JSON.stringify(told),
    );
    assert.ok(told.length <= 1 + (Date.now() - startedMs) / 5_000, `told ${told.length} times`);
  });
});

const definedIn = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
