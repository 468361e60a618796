import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { describe, it } from "node:test";
import { countAnswers, describeAnswers } from "../../../setup/demo/requests.ts";

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return `http://127.0.0.1:${String(address.port)}/`;
}

describe("the requests of the demo", () => {
  it("are all sent, and counted by their answer", async () => {
    let seen = 0;
    const server = createServer((_, response) => {
      seen += 1;
      response.writeHead(seen % 10 === 0 ? 500 : 200).end("hello");
    });
    try {
      const answers = await countAnswers(await listen(server), 50);
      assert.equal(seen, 50);
      assert.deepEqual(
        answers,
        new Map([
          ["200", 45],
          ["500", 5],
        ]),
      );
    } finally {
      server.close();
    }
  });

  it("that nobody answers are counted by the reason", async () => {
    const server = createServer();
    const url = await listen(server);
    server.close();
    await once(server, "close");
    assert.deepEqual(await countAnswers(url, 3), new Map([["ECONNREFUSED", 3]]));
  });

  it("are summed up in one sentence", () => {
    const answers = new Map([
      ["200", 198],
      ["502", 2],
    ]);
    assert.equal(
      describeAnswers("http://host/", answers),
      "198 of 200 requests to http://host/ were answered with 200; 2 with 502",
    );
  });
});
