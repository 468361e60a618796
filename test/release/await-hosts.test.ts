import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { awaitHosts } from "../../lib/release/await-hosts.ts";
import { hostReportKey } from "../../lib/release/reports.ts";
import { openMemoryStore } from "../state/memory-store.ts";
import { at } from "./releases.ts";

const serving = { release: 4, status: "serving", at };
const starting = { release: 4, status: "starting", at };
const failed = { release: 4, status: "failed", serves: 3, reason: "no answer", log: ["boom"], at };

/** What each host has written at each look; after the last look nothing changes any more. */
type Looks = readonly Readonly<Record<string, object | string>>[];

/** Waits for the hosts; each note of a look brings on what the next one sees. */
async function watch(hosts: readonly string[], looks: Looks, patienceMs = 60_000) {
  const store = openMemoryStore();
  const notes: string[] = [];
  const coming = [...looks];
  const showNext = () => {
    for (const [host, said] of Object.entries(coming.shift() ?? {}))
      store.set(hostReportKey(host), typeof said === "string" ? said : JSON.stringify(said));
  };
  showNext();
  const context = {
    signal: new AbortController().signal,
    note: (text: string) => {
      notes.push(text);
      showNext();
    },
    timings: { firstMs: 1, longestMs: 1 },
  };
  const diagnose = (host: string) => Promise.resolve([`console of ${host}`]);
  const done = awaitHosts(context, { store, hosts, desired: { release: 4 }, patienceMs, diagnose });
  const error: unknown = await done.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { notes, error };
}

const requireError = (error: unknown, expected: object): void =>
  assert.throws(() => {
    throw error;
  }, expected);

describe("waiting for hosts", () => {
  it("ends when all of them serve this very release, and tells of each that doesn't yet", async () => {
    const { notes, error } = await watch(
      ["i-1", "i-2", "i-3"],
      [
        { "i-1": starting, "i-2": { ...serving, release: 3 } },
        { "i-1": serving, "i-3": "{" },
        { "i-2": serving },
        { "i-3": serving },
      ],
    );

    assert.equal(error, undefined);
    assert.deepEqual(notes, [
      "0 of 3 hosts are there; i-1: release 4 starting; i-2: release 3 serving; i-3: no report yet",
      "1 of 3 hosts are there; i-2: release 3 serving; i-3: hosts/i-3.json is no report: it is not JSON",
      "2 of 3 hosts are there; i-3: hosts/i-3.json is no report: it is not JSON",
    ]);
  });

  it("ends at once where there is none", async () => {
    assert.deepEqual(await watch([], []), { notes: [], error: undefined });
  });

  it("fails with the first that says that it failed, however far the others are", async () => {
    const { notes, error } = await watch(
      ["i-1", "i-2", "i-3"],
      [{ "i-1": serving, "i-2": starting }, { "i-2": failed }],
    );

    assert.equal(notes.length, 1);
    requireError(error, {
      code: "ReleaseUnhealthy",
      exitCode: 5,
      message: "release 4 failed on i-2: no answer; release 3 still serves",
      detail: ["boom"],
    });
  });

  it("isn't ended by the failure of another release", async () => {
    const { error } = await watch(["i-1"], [{ "i-1": { ...failed, release: 3 } }, { "i-1": serving }]);

    assert.equal(error, undefined);
  });

  it("ends after its patience, with each host that is silent and its console", async () => {
    const { error } = await watch(
      ["i-1", "i-2", "i-3"],
      [{ "i-1": starting, "i-2": serving, "i-3": "{}" }],
      0,
    );

    requireError(error, {
      code: "HostSilent",
      exitCode: 5,
      detail: ["i-1:", "console of i-1", "i-3:", "console of i-3"],
    });
    assert.match(
      String(error),
      /i-1, i-3 did not say in time that it serves release 4; hosts\/i-3\.json is no report: release:/,
    );
  });

  it("names a few of many, and says how many more there are", async () => {
    const hosts = Array.from({ length: 30 }, (_none, index) => `i-${index}`);
    const all = Object.fromEntries(hosts.map((host) => [host, serving]));
    const { notes, error } = await watch(hosts, [{}, all]);

    assert.equal(error, undefined);
    assert.match(notes[0] ?? "", /^0 of 30 hosts are there; i-0: .*; i-4: no report yet; and 25 more$/);
  });
});
