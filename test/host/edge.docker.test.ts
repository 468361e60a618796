import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { until } from "../local/temporary-aws.ts";
import { openEdgeRig, type EdgeRig } from "./edge-rig.ts";

describe("the edge", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  it("asks for patience before anything serves, with an answer that no cache keeps", async () => {
    const response = await fetch(rig.url);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "5");
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("server"), "nginx");
  });

  it("hides one failure in ten from 2,000 requests, and says so in its log", async () => {
    await rig.serve([8080]);
    const earlier = (await rig.readLog()).length;

    const direct = await countFailures(rig.appUrl, 500);
    const failures = await countFailures(rig.url, 2000);

    const lines = await rig.readLines(earlier, 2000);
    const masked = lines.filter((line) => line.status === 200 && line.tries.startsWith("500 : "));
    assert.ok(direct > 20, `${direct} of 500 failed without the edge`);
    assert.ok(failures <= 1, `${failures} of 2000 failed`);
    assert.equal(lines.length, 2000);
    assert.ok(masked.length > 120 && masked.length < 300, `${masked.length} hidden failures were logged`);
  });

  it("tells the app who asks, and believes nothing that the client claims of it", async () => {
    const headers = {
      "X-Forwarded-For": "1.2.3.4",
      "X-Forwarded-Proto": "https",
      "X-Request-ID": "caller-123456",
    };
    const response = await fetch(`${rig.url}/headers`, { headers });
    const seen = headersIn(await response.json());
    assert.equal(seen.get("X-Forwarded-For"), seen.get("X-Real-IP"));
    assert.notEqual(seen.get("X-Forwarded-For"), "1.2.3.4");
    assert.equal(seen.get("X-Forwarded-Proto"), "http");
    assert.equal(seen.get("Host"), new URL(rig.url).host);
    assert.equal(seen.get("X-Request-ID"), "caller-123456");
    assert.equal(response.headers.get("x-request-id"), "caller-123456");
    await rig.findLine(({ id }) => id === "caller-123456");
  });

  it("makes up a request id where the caller's is none", async () => {
    const response = await fetch(`${rig.url}/headers`, { headers: { "X-Request-ID": 'a"b{}' } });
    const seen = headersIn(await response.json());
    assert.match(String(seen.get("X-Request-ID")), /^[0-9a-f]{32}$/);
    assert.equal(response.headers.get("x-request-id"), seen.get("X-Request-ID"));
  });

  it("adds security headers where the app has none of its own", async () => {
    const { headers } = await fetch(`${rig.url}/headers`);
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "strict-origin-when-cross-origin");
    assert.equal(headers.get("x-berth-tries"), null);
  });

  it("takes no body above its limit", async () => {
    const response = await fetch(rig.url, { method: "POST", body: "x".repeat(11 << 20) });
    assert.equal(response.status, 413);
  });

  it("passes an upgraded connection through, both ways", async () => {
    const sent = request(rig.url, { headers: { Connection: "Upgrade", Upgrade: "WebSocket" } });
    sent.end();
    const [response, socket] = await new Promise<[IncomingMessage, Socket]>((resolve) => {
      sent.once("upgrade", (answer: IncomingMessage, opened: Socket) => resolve([answer, opened]));
    });
    socket.write("ping");
    const [echoed] = await once(socket, "data");
    socket.end();
    assert.equal(response.statusCode, 101);
    assert.equal(String(echoed), "gnip");
  });

  it("keeps every client's connection while the switch reloads under it", async () => {
    const reloading = new AbortController();
    const results: number[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      while (!reloading.signal.aborted) results.push(await status(rig.url));
    });
    const reload = async () => {
      for (let count = 1; count <= 5; count += 1) {
        await rig.toolbox.run("nginx -c /usr/local/lib/berth/switch.conf -s reload");
        await until(() => results.length >= count * 50);
      }
    };
    await Promise.all([reload().finally(() => reloading.abort()), ...clients]);
    assert.deepEqual(
      results.filter((each) => each !== 200),
      [],
    );
  });
});

function headersIn(answer: unknown): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(Object(answer)));
}

async function status(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

async function countFailures(url: string, requests: number): Promise<number> {
  const statuses: number[] = [];
  const clients = Array.from({ length: 10 }, async () => {
    for (let sent = 0; sent < requests / 10; sent++) statuses.push(await status(url));
  });
  await Promise.all(clients);
  return statuses.filter((each) => each !== 200).length;
}
