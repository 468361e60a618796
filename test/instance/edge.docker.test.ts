import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { connectEngine } from "../../lib/docker/engine.ts";
import { openToolbox, type Toolbox } from "./toolbox.ts";

// What systemd and setup.sh do on a host: folders, the edge's user, both servers.
const startEdge = `
  mkdir -p /var/lib/berth /var/log/berth /run/berth-switch /var/cache/berth-switch
  echo 'upstream app { server 127.0.0.1:9; }' > /var/lib/berth/upstreams.conf
  sed s/@edge_user@/www-data/ /usr/local/lib/berth/edge.conf > /etc/nginx/nginx.conf
  nginx -c /usr/local/lib/berth/switch.conf > /dev/null 2>&1 &
  nginx`;

const pointAtApp = `
  cd /usr/local/lib/berth
  python3 -B -c 'import edge; print(edge.upstreams([8080]))' > /var/lib/berth/upstreams.conf
  nginx -c /usr/local/lib/berth/switch.conf -s reload`;

describe("the edge", () => {
  let toolbox: Toolbox;
  before(async () => {
    toolbox = await openToolbox(await connectEngine());
    const text = readFileSync(new URL("failing-app.py", import.meta.url), "utf8");
    await toolbox.put([{ path: "/tmp/app.py", text, executable: false }]);
    await toolbox.run("python3 /tmp/app.py 8080 > /dev/null 2>&1 &");
    await toolbox.run(startEdge);
  });
  after(() => toolbox?.[Symbol.asyncDispose]());

  const logged = async (): Promise<LogLine[]> => {
    const text = await toolbox.run("cat /var/log/berth/edge.log");
    return text.split("\n").map((line): LogLine => JSON.parse(line));
  };

  it("asks for patience before anything serves, with an answer that no cache keeps", async () => {
    const response = await fetch(toolbox.url);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "5");
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("server"), "nginx");
  });

  it("hides one failure in ten from 2,000 requests, and says so in its log", async () => {
    await toolbox.run(pointAtApp);
    await settled(() => status(toolbox.url));
    const earlier = (await logged()).length;

    const direct = await countFailures(toolbox.appUrl, 500);
    const failures = await countFailures(toolbox.url, 2000);

    const lines = (await logged()).slice(earlier);
    const masked = lines.filter((line) => line.status === 200 && line.tries.startsWith("500, "));
    assert.ok(direct > 20, `${direct} of 500 failed without the edge`);
    assert.ok(failures <= 1, `${failures} of 2000 failed`);
    assert.equal(lines.length, 2000);
    assert.ok(masked.length > 120 && masked.length < 300, `${masked.length} hidden failures were logged`);
  });

  it("sends no POST twice, whatever is answered", async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `order-${index}`);
    const statuses = await Promise.all(
      keys.map(async (body) => (await fetch(toolbox.url, { method: "POST", body })).status),
    );
    const posts: unknown = await (await fetch(`${toolbox.appUrl}/posts`)).json();
    assert.deepEqual(posts, Object.fromEntries(keys.map((key) => [key, 1])));
    assert.ok(statuses.includes(500) && statuses.includes(200));
  });

  it("tells the app who asks, and believes nothing that the client claims of it", async () => {
    const headers = {
      "X-Forwarded-For": "1.2.3.4",
      "X-Forwarded-Proto": "https",
      "X-Request-ID": "caller-123456",
    };
    const response = await fetch(`${toolbox.url}/headers`, { headers });
    const seen = headersIn(await response.json());
    assert.equal(seen.get("X-Forwarded-For"), seen.get("X-Real-IP"));
    assert.notEqual(seen.get("X-Forwarded-For"), "1.2.3.4");
    assert.equal(seen.get("X-Forwarded-Proto"), "http");
    assert.equal(seen.get("Host"), new URL(toolbox.url).host);
    assert.equal(seen.get("X-Request-ID"), "caller-123456");
    assert.equal(response.headers.get("x-request-id"), "caller-123456");
    assert.equal((await logged()).at(-1)?.id, "caller-123456");
  });

  it("makes up a request id where the caller's is none", async () => {
    const response = await fetch(`${toolbox.url}/headers`, { headers: { "X-Request-ID": 'a"b{}' } });
    const seen = headersIn(await response.json());
    assert.match(String(seen.get("X-Request-ID")), /^[0-9a-f]{32}$/);
    assert.equal(response.headers.get("x-request-id"), seen.get("X-Request-ID"));
  });

  it("adds security headers where the app has none of its own", async () => {
    const { headers } = await fetch(`${toolbox.url}/headers`);
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "strict-origin-when-cross-origin");
    assert.equal(headers.get("x-berth-tries"), null);
  });

  it("takes no body above its limit", async () => {
    const response = await fetch(toolbox.url, { method: "POST", body: "x".repeat(11 << 20) });
    assert.equal(response.status, 413);
  });

  it("passes an upgraded connection through, both ways", async () => {
    const sent = request(toolbox.url, { headers: { Connection: "Upgrade", Upgrade: "echo" } });
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
    const reloads = toolbox.run(
      "for i in 1 2 3 4 5; do sleep 0.3; nginx -c /usr/local/lib/berth/switch.conf -s reload; done",
    );
    const ended = reloads.finally(() => {
      reloading.abort();
    });
    const results: number[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      while (!reloading.signal.aborted) results.push(await status(toolbox.url));
    });
    await Promise.all([ended, ...clients]);
    assert.ok(results.length > 100);
    assert.deepEqual(
      results.filter((each) => each !== 200),
      [],
    );
  });
});

interface LogLine {
  readonly id: string;
  readonly status: number;
  readonly tries: string;
}

function headersIn(answer: unknown): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(Object(answer)));
}

async function status(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}

async function settled(ask: () => Promise<number>): Promise<void> {
  while ((await ask()) !== 200);
}

async function countFailures(url: string, requests: number): Promise<number> {
  const statuses: number[] = [];
  const clients = Array.from({ length: 10 }, async () => {
    for (let sent = 0; sent < requests / 10; sent++) statuses.push(await status(url));
  });
  await Promise.all(clients);
  return statuses.filter((each) => each !== 200).length;
}
