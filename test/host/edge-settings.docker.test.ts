import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { until } from "../local/temporary-aws.ts";
import { openEdgeRig, type EdgeRig } from "./edge-rig.ts";
import { forgedHeaders } from "./hostile-requests.ts";
import { exchange, fetchAlone, open, statuses } from "./raw-http.ts";
import { spoolMiB } from "./toolbox.ts";

const mebibyte = 1 << 20;

describe("a release's settings of the edge", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetchAlone(`${rig.url}${path}`, { headers })).status;
  const headersSeen = async (headers: Record<string, string>): Promise<Map<string, string>> => {
    const response = await fetchAlone(`${rig.url}/headers`, { headers });
    const seen: Record<string, string> = JSON.parse(await response.text());
    return new Map(Object.entries(seen));
  };

  it("let 200 MB through where the spool holds 64, as it comes", async () => {
    await rig.serve([8080], { bodyMib: 300 });
    const part = Buffer.alloc(mebibyte, "some of it ");
    const parts = 200;
    const digest = createHash("sha256");
    const spooled: number[] = [];
    const peak = async () => {
      const used =
        "df --output=used --block-size=1M /var/spool/berth /var/spool/berth-switch | tail -n +2 | sort -n | tail -n 1";
      spooled.push(Number(await rig.toolbox.run(used)));
    };
    async function* body() {
      for (let sent = 0; sent < parts; sent++) {
        if (sent % 50 === 49) await peak();
        digest.update(part);
        yield part;
      }
    }
    const sent = request(`${rig.url}/upload`, {
      method: "POST",
      headers: { "Content-Length": parts * mebibyte },
    });
    Readable.from(body()).pipe(sent);
    const [response]: IncomingMessage[] = await once(sent, "response");
    assert.ok(response);
    const answer = Buffer.concat(await response.toArray()).toString();
    assert.deepEqual([response.statusCode, answer], [200, JSON.stringify(digest.digest("hex"))]);
    assert.equal(spooled.length, 4);
    assert.ok(Math.max(...spooled) < 5, `${Math.max(...spooled)} of ${spoolMiB} MiB were used`);
  });

  it("hold a body back whose length nobody knows, and take it up to 10 MiB", async () => {
    for (const [mebibytes, expected] of [
      [9, 200],
      [11, 413],
    ] as const) {
      const body = Readable.toWeb(
        Readable.from(Array.from({ length: mebibytes }, () => Buffer.alloc(mebibyte))),
      );
      const response = await fetchAlone(`${rig.url}/upload`, { method: "POST", body, duplex: "half" });
      assert.equal(response.status, expected);
    }
  });

  it("go to the next replica with a large body, too, as long as nothing was sent", async () => {
    // Nothing listens on the other.
    await rig.toolbox.run("pkill -f '^python3 -B /tmp/app.py 8081' || true");
    await rig.serve([8080], { bodyMib: 300 });
    await rig.toolbox.run(
      `sed -i 's/server 127.0.0.1:8080 max_fails=0;/server 127.0.0.1:8081 max_fails=0; &/' /var/lib/berth/upstreams.conf
       old=$(pgrep -P $(cat /run/berth-switch/nginx.pid))
       nginx -c /usr/local/lib/berth/switch.conf -s reload
       for worker in $old; do while grep -q 'worker process$' /proc/$worker/cmdline 2> /dev/null; do sleep 0.1; done; done`,
    );
    for (let round = 0; round < 6; round++) {
      const response = await fetchAlone(`${rig.url}/upload`, {
        method: "POST",
        body: Buffer.alloc(12 * mebibyte),
      });
      assert.equal(response.status, 200);
    }
    await rig.findLine(({ tries }) => tries === "502, 200");
  });

  it("bound the body", async () => {
    for (const [bodyMib, taken, refused] of [
      [1, 1, 2],
      [20, 20, 21],
    ] as const) {
      await rig.serve([8080], { bodyMib });
      const sizes = [taken, refused].map(async (mebibytes) => {
        const body = Buffer.alloc(mebibytes * mebibyte);
        return (await fetchAlone(`${rig.url}/upload`, { method: "POST", body })).status;
      });
      assert.deepEqual(await Promise.all(sizes), [200, 413]);
    }
  });

  it("bound the headers, of a request and of an answer", async () => {
    for (const [headerKib, answer, line] of [
      [8, 7_800, 1_900],
      [128, 130_000, 32_000],
    ] as const) {
      await rig.serve([8080], { headerKib });
      for (const [length, expected] of [
        [answer, 200],
        [headerKib * 1024, 502],
      ] as const)
        assert.deepEqual(statuses(await exchange(rig.url, `GET /header/${length} HTTP/1.0\r\n\r\n`)), [
          expected,
        ]);
      const taken = await exchange(rig.url, `GET /headers HTTP/1.0\r\nX-Long: ${"x".repeat(line)}\r\n\r\n`);
      assert.match(taken, /^HTTP\/1\.1 200 /);
      const refused = await exchange(
        rig.url,
        `GET / HTTP/1.0\r\nX-Long: ${"x".repeat(headerKib * 256)}\r\n\r\n`,
      );
      assert.match(refused, /^HTTP\/1\.1 431 /);
    }
  });

  it("let the switch take whatever request the edge has taken", async () => {
    await rig.serve([8080], { headerKib: 8 });
    const host = `${"h".repeat(1_900)}.example`;
    const lines = Array.from({ length: 3 }, (_, index) => `X-${index}: ${"x".repeat(2_000)}\r\n`).join("");
    const answer = await exchange(rig.url, `GET /headers HTTP/1.0\r\nHost: ${host}\r\n${lines}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  it("let a WebSocket be silent for longer than an answer, and no longer than they say", async () => {
    await rig.serve([8080], { answerSeconds: 1, idleSeconds: 600 });
    const socket = await openWebSocket(rig.url);
    // An answer that takes as long is late by then.
    assert.equal(await status("/hang"), 504);
    socket.write("ping");
    assert.equal(String((await once(socket, "data"))[0]), "gnip");
    socket.destroy();
    await rig.serve([8080], { idleSeconds: 1 });
    // The app itself would wait for ever.
    await once((await openWebSocket(rig.url)).resume(), "close");
  });

  it("drop headers with an underscore, or pass them on, but none that only looks like the edge's own", async () => {
    await rig.serve([8080], { underscores: "drop" });
    assert.ok(!(await headersSeen({ X_Own: "1" })).has("X_Own"));
    await rig.serve([8080], { underscores: "pass" });
    assert.equal((await headersSeen({ X_Own: "1" })).get("X_Own"), "1");
    const word = "forged-by-the-client";
    const forged = Object.entries(forgedHeaders(word)).filter(([name]) => !name.includes("Made"));
    const lines = forged.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const answer = await exchange(rig.url, `GET /headers HTTP/1.0\r\n${lines}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answer, new RegExp(word));
  });

  it("believe nobody in front of the edge who isn't named", async () => {
    await rig.serve([8080], { trustedProxies: ["203.0.113.0/24"] });
    const seen = await headersSeen({
      "X-Forwarded-For": "198.51.100.7",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "forged.example",
      "X-Forwarded-Port": "444",
      "CloudFront-Forwarded-Proto": "https",
    });
    assert.notEqual(seen.get("X-Forwarded-For"), "198.51.100.7");
    assert.equal(seen.get("X-Forwarded-Proto"), "http");
    assert.equal(seen.get("X-Forwarded-Host"), new URL(rig.url).host);
    assert.equal(seen.get("X-Forwarded-Port"), "80");
  });

  it("believe who is named: the client is theirs, in the log, for the app and for the limits", async () => {
    const proxy = (await rig.readLog()).at(-1)?.client ?? "";
    await rig.serve([8080], { trustedProxies: [`${proxy}/32`, "203.0.113.0/24"] });
    const chain = "192.0.2.66, 198.51.100.7, 203.0.113.9";
    const seen = await headersSeen({
      "X-Forwarded-For": chain,
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "shop.example",
    });
    assert.equal(seen.get("X-Forwarded-For"), "198.51.100.7");
    assert.equal(seen.get("X-Real-IP"), "198.51.100.7");
    assert.equal(seen.get("X-Forwarded-Proto"), "https");
    assert.equal(seen.get("X-Forwarded-Host"), "shop.example");
    assert.equal(seen.get("X-Forwarded-Port"), "443");
    await rig.findLine(({ client }) => client === "198.51.100.7");
    assert.equal(
      (await headersSeen({ "CloudFront-Forwarded-Proto": "https" })).get("X-Forwarded-Proto"),
      "https",
    );
    const odd = await headersSeen({
      "X-Forwarded-Proto": "gopher",
      "X-Forwarded-Host": "a b",
      "X-Forwarded-Port": "x",
    });
    assert.deepEqual(
      ["X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"].map((name) => odd.get(name)),
      ["http", new URL(rig.url).host, "80"],
    );
    const list = await headersSeen({ "X-Forwarded-Proto": "https, http", "X-Forwarded-Port": "1, 8443" });
    assert.deepEqual([list.get("X-Forwarded-Proto"), list.get("X-Forwarded-Port")], ["http", "8443"]);
  });

  it("let each client behind a trusted proxy send ten large bodies at a time", async () => {
    const clients = ["198.51.100.1", "198.51.100.2"];
    const uploads = await Promise.all(
      clients.flatMap((client) => Array.from({ length: 12 }, () => beginUpload(rig.url, client))),
    );
    await until(() => uploads.filter((one) => one.answer() === 429).length >= 4);
    // Those that wait are taken once they are whole.
    for (const upload of uploads) if (upload.answer() === undefined) upload.end();
    await until(() => uploads.every((one) => one.answer() !== undefined));
    for (const client of clients) {
      const seen = uploads.filter((one) => one.client === client).map((one) => one.answer());
      const taken = seen.filter((one) => one === 200);
      assert.deepEqual([taken.length, seen.length], [10, 12], String(seen));
    }
  });

  it("reach a serving edge without losing a request or a WebSocket, and only when they change", async () => {
    await rig.serve([8080]);
    const first = await workers();
    await rig.serve([8080]);
    assert.equal(await workers(), first);
    const socket = await openWebSocket(rig.url);
    const slow = fetchAlone(`${rig.url}/sleep/5`, { method: "POST", body: "x" });
    const answers: string[] = [];
    const asking = new AbortController();
    // Each on a connection of its own: those that clients keep are setup.sh's, which has them leave before.
    const clients = Array.from({ length: 4 }, async () => {
      while (!asking.signal.aborted) answers.push(await exchange(rig.url, "GET /headers HTTP/1.0\r\n\r\n"));
    });
    for (const bodyMib of [11, 12, 13]) {
      const asked = answers.length;
      await rig.serve([8080], { bodyMib });
      await until(() => answers.length >= asked + 8);
    }
    asking.abort();
    await Promise.all(clients);
    assert.notEqual(await workers(), first);
    assert.deepEqual([...new Set(answers.flatMap((answer) => statuses(answer)[0] ?? answer))], [200]);
    assert.equal((await slow).status, 200);
    socket.write("ping");
    assert.equal(String((await once(socket, "data"))[0]), "gnip");
  });

  const workers = async () =>
    await rig.toolbox.run("pgrep -P $(cat /run/nginx.pid) -f 'worker process$' | sort | xargs");
});

/** The head of an upload of a client behind a proxy. `end` sends its body. */
async function beginUpload(url: string, client: string) {
  const socket = await open(url);
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
  socket.write(
    `POST /upload HTTP/1.1\r\nHost: edge\r\nConnection: close\r\nX-Forwarded-For: ${client}\r\nContent-Length: 20000\r\n\r\n`,
  );
  return { client, answer: () => statuses(answer)[0], end: () => socket.write("x".repeat(20_000)) };
}

async function openWebSocket(url: string): Promise<Socket> {
  const sent = request(url, { headers: { Connection: "Upgrade", Upgrade: "websocket" } });
  sent.end();
  const [response, socket] = await new Promise<[IncomingMessage, Socket]>((resolve, reject) => {
    sent.once("upgrade", (answer: IncomingMessage, opened: Socket) => resolve([answer, opened]));
    sent.once("error", reject);
  });
  assert.equal(response.statusCode, 101);
  return socket;
}
