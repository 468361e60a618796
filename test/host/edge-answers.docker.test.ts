import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "../local/temporary-aws.ts";
import { type EdgeRig, openEdgeRig } from "./edge-rig.ts";
import { exchange, open, statuses } from "./raw-http.ts";

/** A path at which the app answers with these bytes, each part 20 ms after the one before. */
const bytes = (...parts: readonly string[]) =>
  `/bytes/${parts.map((part) => Buffer.from(part, "latin1").toString("base64url")).join("/")}`;

const requestOf = (method: string, path: string, ...headers: readonly string[]) =>
  [`${method} ${path} HTTP/1.1`, "Host: app", ...headers, "", ""].join("\r\n");

const last = requestOf("GET", "/", "Connection: close");
const stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen";
const head = (status: string, ...headers: readonly string[]) =>
  [`HTTP/1.1 ${status}`, ...headers, "", ""].join("\r\n");

describe("an app that doesn't keep to HTTP", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig("answering-app.py");
    await rig.serve([8080]);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  /** Both answers on one connection: the one that was asked for in these bytes, and the next client's. */
  const askTwice = async (method: string, path: string) => {
    const answer = await exchange(rig.url, requestOf(method, path) + last);
    const id = /^X-Request-ID: (\S+)/im.exec(answer)?.[1];
    const failure = async () => (await rig.findLine((line) => line.id === id)).failure;
    return { answer, codes: statuses(answer), next: answer.split("\r\n\r\n").at(-1), failure };
  };

  /** Answers with more than HTTP lets them have. */
  const beyond: Record<string, readonly [method: string, status: number, ...parts: string[]]> = {
    "a body behind 204": ["GET", 204, head("204 No Content", "Content-Length: 6"), stolen],
    "chunks behind 204": ["GET", 204, head("204 No Content", "Transfer-Encoding: chunked"), "0\r\n\r\n"],
    "a body behind 304": ["GET", 304, head("304 Not Modified", "Content-Length: 6"), stolen],
    "a body behind HEAD": ["HEAD", 200, head("200 OK", `Content-Length: ${stolen.length}`), stolen],
    "a body beyond its length": ["GET", 200, `${head("200 OK", "Content-Length: 4")}ok\r\n`, stolen],
    "a body behind its last chunk": [
      "GET",
      200,
      `${head("200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\n\r\n`,
      stolen,
    ],
  };
  for (const [name, [method, status, ...parts]] of Object.entries(beyond))
    it(`gives none of ${name} to whoever asks next, at once or a moment later`, async () => {
      for (const path of [bytes(parts.join("")), bytes(...parts)]) {
        const { answer, codes, next } = await askTwice(method, path);
        assert.deepEqual(codes, [status, 200], answer);
        assert.equal(next, "hello");
      }
    });

  const lengths: Record<string, string> = {
    "two lengths": `${head("200 OK", "Content-Length: 2", "Content-Length: 5")}extra`,
    "one length twice": `${head("200 OK", "Content-Length: 5", "Content-Length: 5")}extra`,
    "no number": `${head("200 OK", "Content-Length: 5x")}extra`,
    "a length and chunks": `${head("200 OK", "Content-Length: 2", "Transfer-Encoding: chunked")}5\r\nextra\r\n0\r\n\r\n`,
    "a coding besides chunked": `${head("200 OK", "Transfer-Encoding: gzip, chunked")}5\r\nextra\r\n0\r\n\r\n`,
    "a NUL in a header": head("200 OK", "X: a\0b", "Content-Length: 0"),
    "a bare CR in a header": head("200 OK", "X: a\rY: b", "Content-Length: 0"),
  };
  for (const [name, answered] of Object.entries(lengths))
    it(`is refused with ${name}`, async () => {
      const { answer, codes, next, failure } = await askTwice("POST", bytes(answered));
      assert.deepEqual(codes, [502, 200], answer);
      assert.match(answer, /\r\n\r\nThe app's answer can't be passed on: its headers are malformed,/);
      assert.equal(next, "hello");
      assert.equal(await failure(), "unreadable");
    });

  const unasked: Record<string, string> = {
    "101 to a WebSocket": head("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"),
    "101 to HTTP/2": head("101 Switching Protocols", "Upgrade: h2c", "Connection: Upgrade"),
    "100 Continue": head("100 Continue"),
    "102 Processing": head("102 Processing"),
    "103 Early Hints": head("103 Early Hints", "Link: </style.css>"),
    "status 000": head("000 None", "Content-Length: 0"),
    "status 042": head("042 Low", "Content-Length: 0"),
  };
  for (const [name, answered] of Object.entries(unasked))
    it(`is refused at once with ${name} that nobody asked for`, async () => {
      for (const path of [bytes(answered + stolen), `${bytes(answered, stolen)}?close`]) {
        const { answer, codes, next, failure } = await askTwice("GET", path);
        assert.deepEqual(codes, [502, 200], answer);
        assert.match(answer, /\r\n\r\nThe app's answer can't be passed on: it is an informational one,/);
        assert.doesNotMatch(answer, /stolen|101 Switching/);
        assert.equal(next, "hello");
        assert.equal(await failure(), "unreadable");
      }
    });

  it("may accept a WebSocket that was asked for", async () => {
    const path = `${bytes(head("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"), "frame")}?close`;
    const request = requestOf("GET", path, "Upgrade: websocket", "Connection: Upgrade");
    assert.match(await exchange(rig.url, request), /^HTTP\/1\.1 101 [^]*\r\n\r\nframe$/);
  });

  it("is logged and counted where what it says is no HTTP", async () => {
    const path = bytes("+PONG\r\n");
    await exchange(rig.url, requestOf("GET", `${path}?close`, "Connection: close"));
    const line = await rig.findLine((one) => one.path === path);
    assert.deepEqual([line.status, line.failure, line.tries], [9, "unreadable", "502"]);
  });

  it("that breaks off costs its client the connection, and nobody else", async () => {
    const path = `${bytes(`${head("200 OK", "Content-Length: 9")}part`)}?close`;
    const answer = await exchange(rig.url, requestOf("GET", path) + last);
    assert.deepEqual(statuses(answer), [200]);
    assert.match(answer, /\r\n\r\npart$/);
    assert.match(await exchange(rig.url, last), /\r\n\r\nhello$/);
  });
});

describe("an upload", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig("answering-app.py");
    await rig.serve([8080], { bodyMib: 50 });
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const readLast = async () => {
    let lines: Awaited<ReturnType<typeof rig.readLog>> = [];
    await until(async () => (lines = await rig.readLog()).length > 0);
    return lines.at(-1);
  };

  /** Sends the head of an upload and a part of its body, and goes away. */
  const breakOff = async (length: number, sent: number) => {
    await rig.takeSeen();
    await rig.toolbox.run(": > /var/log/berth/edge.log");
    const socket = await open(rig.url);
    socket.write(requestOf("POST", "/upload", `Content-Length: ${length}`));
    await new Promise<void>((done) => socket.write(Buffer.alloc(sent), () => done()));
    return socket;
  };

  it("of less than 10 MB that breaks off never reaches the app, and counts as no failure of it", async () => {
    (await breakOff(5_000_000, 2_000_000)).destroy();
    const line = await readLast();
    assert.deepEqual([line?.failure, line?.tries], ["", ""]);
    assert.ok([400, 499].includes(line?.status ?? 0), String(line?.status));
    assert.deepEqual(await rig.takeSeen(), []);
  });

  it("of 10 MB or more that breaks off ends for the app too, and counts as no failure of it", async () => {
    const socket = await breakOff(20_000_000, 3_000_000);
    await rig.awaitSeen(1);
    socket.destroy();
    assert.match((await rig.awaitSeen(1))[0] ?? "", /^POST \/upload \d+ of 20000000$/);
    const line = await readLast();
    assert.ok([400, 499].includes(line?.status ?? 0), String(line?.status));
    assert.deepEqual([line?.failure, line?.tries.match(/5\d\d/g)], ["", null], JSON.stringify(line));
  });

  it("that comes byte by byte occupies no replica until it is whole", async () => {
    const socket = await breakOff(30, 1);
    let answer = "";
    socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
    for (let sent = 1; sent < 30; sent += 1) {
      assert.deepEqual(await rig.takeSeen(), []);
      socket.write("x");
    }
    await until(() => Promise.resolve(answer.endsWith("hello")));
    socket.destroy();
    assert.deepEqual(await rig.takeSeen(), ["POST /upload", "POST /upload 30 of 30"]);
  });
});
