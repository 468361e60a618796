import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Status, statusLines } from "../../lib/deploy/status-lines.ts";

const now = "2026-11-27T10:05:00Z";
const resources = Array.from(
  { length: 16 },
  (_none, index) => ({ name: `r${index}`, id: `id-${index}`, state: "ok" }) as const,
);
const status: Status = {
  stack: "shop",
  url: "https://203.0.113.7/",
  health: { isHealthy: true, status: 200, durationMs: 45, attempts: 1 },
  names: [],
  https: {
    wanted: ["203.0.113.7"],
    certificate: {
      names: ["203.0.113.7"],
      issuer: "somebody",
      notBefore: "2026-11-26T10:00:00Z",
      notAfter: "2026-12-02T10:00:00Z",
    },
  },
  address: "203.0.113.7",
  instance: "i-0abc",
  release: {
    number: 8,
    image: `registry/app@sha256:${"0123456789abcdef".repeat(4)}`,
    commit: "766295ca8ef4".repeat(3),
    at: "2026-11-27T09:00:00Z",
    by: "arn:aws:iam::123456789012:user/ann",
  },
  serving: undefined,
  rollout: { status: "serving", serves: 8, at: "2026-11-27T10:04:00Z" },
  app: {
    tries: 4000,
    errors: 400,
    lastMinute: { tries: 40, errors: 3 },
    lastHour: { tries: 3600, errors: 360 },
    at: "2026-11-27T10:04:00Z",
  },
  host: undefined,
  metrics: undefined,
  cost: { monthlyUsd: 13.59, text: "about $13.59 a month" },
  watching: undefined,
  resources,
  differs: [],
};
const show = (changes: Partial<Status> = {}) => statusLines({ ...status, ...changes }, Date.parse(now));

describe("the status of a stack", () => {
  it("is on one screen, and says what serves, how it does, what it costs and what differs", () => {
    assert.deepEqual(show(), [
      "url         https://203.0.113.7/",
      "health      answers 200 in 45 ms",
      "https       203.0.113.7, by somebody, until 2026-12-02T10:00:00Z (4 days left)",
      "release     8 serves",
      "published   2026-11-27 09:00 UTC by user/ann",
      "image       0123456789ab",
      "commit      766295ca8ef4",
      "host        i-0abc, which told last at 2026-11-27 10:04 UTC",
      "app         400 of 4000 tries failed; counted 60 s ago",
      "rates       7.5 % of 40 tries failed in the last minute, 10.0 % of 3600 tries failed in the last hour, as of 2026-11-27 10:04 UTC",
      "cost        about $13.59 a month",
      "resources   16, all as declared",
      "differs     nothing from berth.yaml",
    ]);
  });

  it("warns of a host that said nothing for half an hour, and of none that is younger", () => {
    const silent = (at: string) => show({ rollout: { status: "serving", serves: 8, at } });
    const warns = (at: string) => silent(at).some((line) => line.startsWith("silent"));
    assert.deepEqual(
      ["2026-11-27T09:34:59Z", "2026-11-27T09:35:00Z", "2026-11-27T10:20:00Z", "no time"].map(warns),
      [true, false, false, false],
    );
    const line = silent("2026-11-27T09:30:00Z")[8] ?? "";
    assert.match(
      line,
      /^silent {6}nothing since 2026-11-27 09:30 UTC, though .*its clock .*console.*journal\.json.*logs host/,
    );
    assert.ok(!show({ rollout: { status: "waiting" } }).some((one) => one.startsWith("silent")));
  });

  it("says that nobody came, and nothing of rates where a host counts none", () => {
    const none = { tries: 0, errors: 0 };
    const quiet = show({ app: { ...none, lastMinute: none, lastHour: none } });
    assert.ok(quiet.includes("rates       no request in the last minute, no request in the last hour"));
    assert.ok(!show({ app: none }).some((line) => line.startsWith("rates")));
  });

  it("has the maintenance in place of an answer that is its page's", () => {
    const maintenance = { since: "2026-11-27T10:00:00Z", by: "arn:aws:iam::123456789012:user/ann" };
    const release = status.release && { ...status.release, maintenance };
    const health = { isHealthy: false, status: 503, durationMs: 5, attempts: 1 };
    assert.equal(
      show({ release, health })[1],
      "maintenance on since 2026-11-27 10:00 UTC by user/ann: every request gets a 503 and the page",
    );
  });

  it("names what isn't as declared, and the command that shows more", () => {
    const rows = [{ name: "release", id: "release.json", state: "differs" } as const, ...resources];
    assert.deepEqual(show({ resources: rows, differs: [{ name: "release", action: "update" }] }).slice(-3), [
      "release            differs  release.json",
      "resources   16 others as declared",
      "differs     release (update); berth plan shows each field",
    ]);
    assert.ok(show({ instance: undefined, rollout: undefined }).includes("host        none"));
    assert.ok(
      show({ rollout: { status: "waiting" } }).includes("host        i-0abc, which has told nothing yet"),
    );
  });

  it("says which alarms there are, since when, and who doesn't hear of them yet", () => {
    const of = (states: readonly string[]) =>
      ["failed-requests", "disk", "certificate"].map((name, index) => ({
        name: `berth-shop-${name}`,
        state: states[index] ?? "OK",
        since: "2026-11-27T09:58:30.000Z",
      }));
    const linesOf = (states: readonly string[], isConfirmed = true) =>
      show({ watching: { email: "ops@example.com", isConfirmed, alarms: of(states) } }).filter((line) =>
        /^alarms|nobody is told/.test(line),
      );
    assert.deepEqual(linesOf([]), ["alarms      3 of 3 OK"]);
    assert.deepEqual(linesOf(["ALARM", "OK", "INSUFFICIENT_DATA"]), [
      "alarms      ALARM failed-requests since 2026-11-27 09:58 UTC; 1 of 3 OK; not enough data for certificate",
    ]);
    assert.deepEqual(linesOf([], false), [
      "alarms      3 of 3 OK",
      "            nobody is told: the mail of AWS to ops@example.com with the link that confirms the subscription waits",
    ]);
    assert.ok(!show().some((line) => line.startsWith("alarms")));
  });
});
