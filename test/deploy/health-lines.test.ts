import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { describe, it } from "node:test";
import { appFails, unreachable } from "../../lib/deploy/no-answer.ts";
import { healthLines, probe } from "../../lib/deploy/probe.ts";

const seen = { isHealthy: false, durationMs: 33, attempts: 20 };
const hintOf = (release: Parameters<typeof appFails>[2]["release"]) =>
  appFails("http://a/", { ...seen, status: 500 }, { release, log: [] }).hint ?? "";

describe("the health of an app, for people", () => {
  it("is what a request from here has met", () => {
    assert.deepEqual(healthLines(undefined), ["health      no address yet"]);
    assert.deepEqual(healthLines({ ...seen, isHealthy: true, status: 200 }), [
      "health      answers 200 in 33 ms",
    ]);
    assert.deepEqual(healthLines({ ...seen, reason: "refused" }), ["health      no answer: refused"]);
  });

  it("is the app's own failure where it answers with one, with the end of its log", () => {
    assert.deepEqual(healthLines({ ...seen, status: 500 }, ["app-1-0: no"]), [
      "health      the app answers, but with 500",
      "            | app-1-0: no",
    ]);
  });

  it("is a firewall's fault only where nothing answers", () => {
    assert.match(unreachable("http://a/", "refused").hint ?? "", /firewalls/);
    assert.doesNotMatch(hintOf({ number: 2 }), /firewalls/);
    assert.match(hintOf({ number: 2 }), /told no line of its log yet/);
  });

  it("comes with the way back, where there is one", () => {
    const rolledBack = (to: number) => ({ number: 9, rolledBack: { from: 8, to } });
    assert.match(
      hintOf({ number: 2 }),
      /^berth rollback puts the release that served before back\. Fix the app/,
    );
    assert.match(hintOf(rolledBack(2)), /^berth rollback goes further back\. Fix the app/);
    for (const release of [{ number: 1 }, rolledBack(1), undefined])
      assert.match(hintOf(release), /^fix the app/);
  });
});

describe("a request from outside", () => {
  it("is repeated until the app has failed twenty times, and no more", async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests += 1;
      response.statusCode = 500;
      response.end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);

    const { isHealthy, status, attempts } = await probe(`http://127.0.0.1:${address.port}/`, {
      signal: new AbortController().signal,
      patienceMs: 600_000,
    });
    server.close();

    assert.deepEqual(
      { isHealthy, status, attempts, requests },
      { isHealthy: false, status: 500, attempts: 20, requests: 20 },
    );
  });
});
