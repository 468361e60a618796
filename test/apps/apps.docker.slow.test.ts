import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { type Home, openHome } from "../commands/stack.ts";
import { requireExit } from "../commands/command-line.ts";
import { askDuring } from "../host/clients.ts";
import { openApp } from "./other-app.ts";

interface Kind {
  readonly name: string;
  /** The file that says "release one". */
  readonly says: string;
  /** What the page holds beside its greeting. */
  readonly page?: RegExp;
  /** Tried after the first release; what it returns runs again after the second. */
  readonly beyond?: (url: string) => Promise<(() => Promise<void>) | void>;
  readonly down?: readonly string[];
}

const kinds: readonly Kind[] = [
  { name: "go-modules", says: "main.go", page: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ },
  { name: "node", says: "server.js", page: /"mode":"production","from":"\d+(\.\d+){3}"/ },
  { name: "django", says: "pages/urls.py", beyond: readStyles },
  { name: "realtime", says: "app.py", beyond: hearEvents },
  { name: "slow-start", says: "app.py" },
  { name: "static-site", says: "site/index.html" },
  { name: "uploads", says: "main.go", beyond: upload, down: ["--delete-data"] },
  { name: "rails", says: "config.ru", page: /in production/ },
];

describe("other people's apps", { concurrency: 2 }, () => {
  let home: Home;
  before(async () => (home = await openHome()));
  after(() => home[Symbol.asyncDispose]());

  for (const { name, says, page = /./, beyond, down = [] } of kinds) {
    it(`${name}: up, a release under load, down`, async () => {
      await using app = await openApp(home, name);
      const first = await app.up();
      requireExit(first, 0);
      const url = String(first.summary["url"]);
      assert.match(await textOf(url), /release one/);
      assert.match(await textOf(url), page);
      const again = await beyond?.(url);

      await app.change(says, "release one", "release two");
      const answers = await askDuring(url, async () => requireExit(await app.up(), 0), { pauseMs: 200 });

      assert.deepEqual([...answers.keys()], [200]);
      assert.match(await textOf(url), /release two/);
      await again?.();
      const end = await app.down(...down);
      requireExit(end, 0);
      assert.deepEqual(end.summary["left"], []);
    });
  }
});

const textOf = async (url: string): Promise<string> => (await fetch(url)).text();

/** A static file is found by the name that the page gives it, and is answered 304 only while it is the same. */
async function readStyles(url: string): Promise<() => Promise<void>> {
  const path = /href="([^"]+)"/.exec(await textOf(url))?.[1] ?? "";
  assert.match(path, /^\/static\/pages\/page\.[0-9a-f]+\.css$/);
  const read = async () => {
    const response = await fetch(new URL(path, url));
    assert.equal(response.status, 200);
    assert.match(await response.text(), /rebeccapurple/);
  };
  await read();
  return read;
}

/** Events arrive when they are sent, long before the last one, and a websocket answers. */
async function hearEvents(url: string): Promise<void> {
  const ended = new AbortController();
  const response = await fetch(new URL("/events?to=240", url), { signal: ended.signal });
  const { value } = (await response.body?.getReader().read()) ?? {};
  const seen = new TextDecoder().decode(value);
  ended.abort();
  assert.match(seen, /^data: 0\n/);
  assert.doesNotMatch(seen, /^data: 239$/m, "the edge held events back");
  assert.equal(await echo(new URL("/socket", url), "hello"), "release one: hello");
}

/** What a websocket answers to one short text. Node 20 has no client of its own. */
async function echo(url: URL, text: string): Promise<string> {
  const key = randomBytes(16).toString("base64");
  const sent = get(url, {
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": key,
    },
  });
  const [, socket]: [IncomingMessage, Socket] = await new Promise((resolve, reject) => {
    sent.once("upgrade", (answer: IncomingMessage, opened: Socket) => resolve([answer, opened]));
    sent.once("response", ({ statusCode }) =>
      reject(new Error(`status ${statusCode} instead of a websocket`)),
    );
    sent.once("error", reject);
  });
  // One whole frame of text, masked with zeros, which leave it as it is.
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
  const [frame]: Buffer[] = await once(socket, "data");
  socket.destroy();
  return frame?.subarray(2).toString("utf8") ?? "";
}

/** A file of 200 MB stays on the volume. */
async function upload(url: string): Promise<() => Promise<void>> {
  const body = randomBytes(200_000_000);
  const response = await fetch(new URL("/film", url), { method: "PUT", body });
  assert.equal(response.status, 201);
  const sha256 = createHash("sha256").update(body).digest("hex");
  const compare = async () => assert.equal(await textOf(new URL("/film", url).href), sha256);
  await compare();
  return compare;
}
