import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openEdgeRig, type EdgeRig } from "./edge-rig.ts";
import {
  forgedHeaders,
  hostilePaths,
  smuggling,
  speakPastEdge,
  upgradeRequest,
  upgrades,
} from "./hostile-requests.ts";
import { exchange, statuses } from "./raw-http.ts";

const closing = "Host: edge\r\nConnection: close\r\n";

describe("the edge, when a client means harm,", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig();
    await rig.serve([8080]);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  // The first, so that the log holds nothing else.
  it("writes a log that is JSON, whatever is asked for", async () => {
    for (const path of hostilePaths) {
      const request = Buffer.concat([
        Buffer.from("GET "),
        path,
        Buffer.from(" HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n", "latin1"),
      ]);
      await exchange(rig.url, request);
    }
    for (const method of ['G"ET', "get", "\xff", "A".repeat(500), "X_Y-Z"]) {
      await exchange(
        rig.url,
        Buffer.from(`${method} / HTTP/1.1\r\n${closing}X-Request-ID: "\xff\r\n\r\n`, "latin1"),
      );
    }
    const lines = await rig.readLines(0, hostilePaths.length + 5);
    assert.equal(lines.length, hostilePaths.length + 5);
    const paths = lines.map((line) => line.path);
    for (const path of ["/%ff", "/%ff%fe%0a%22%5c", '/"quoted"\\back', "/caf", "/a"]) {
      assert.ok(paths.includes(path), `${path} isn't among ${JSON.stringify(paths)}`);
    }
  });

  it("leads nobody into HTTP/2 behind it, though the app would speak it", async () => {
    await rig.takeSeen();
    assert.equal(await speakPastEdge(rig.appUrl, "h2c", "/past-the-edge"), "/past-the-edge");
    for (const upgrade of upgrades) {
      const answer = await speakPastEdge(rig.url, upgrade, "/past-the-edge");
      assert.equal(typeof answer, "number", `Upgrade: ${upgrade} came to ${answer}`);
    }
    assert.doesNotMatch((await rig.takeSeen()).slice(1).join("\n"), /past-the-edge/);
  });

  it("passes on no upgrade but that to a WebSocket", async () => {
    const asked = upgradeRequest("Upgrade: h2c").replace("/h2c", "/headers");
    const answer = await exchange(rig.url, asked, (text) => text.endsWith("}"));
    assert.match(answer, /^HTTP\/1.1 200 [^]*\}$/);
    assert.doesNotMatch(answer, /h2c|HTTP2-Settings|Upgrade/i);
  });

  it("lets no client say who it is, where it came from or what it really asks", async () => {
    const word = "forged-by-the-client";
    const lines = Object.entries(forgedHeaders(word)).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = await exchange(rig.url, `GET /headers HTTP/1.1\r\n${closing}${lines.join("")}\r\n`);
    assert.match(answer, /^HTTP\/1.1 200 /);
    assert.match(answer, /"X-Forwarded-Port": "80"/);
    assert.doesNotMatch(answer, new RegExp(word));
  });

  it("counts tries by itself, whatever the app says of them", async () => {
    const response = await fetch(`${rig.url}/headers`);
    await response.arrayBuffer();
    const id = response.headers.get("x-request-id");
    const line = await rig.findLine((one) => one.id === id);
    assert.deepEqual([line.tries, line.replicas], ["200", "127.0.0.1:8080"]);
    assert.equal(response.headers.get("x-berth-tries"), null);
    assert.equal(response.headers.get("x-berth-replicas"), null);
  });

  it("reads every request as the app does", async () => {
    await rig.takeSeen();
    for (const [name, request] of Object.entries(smuggling)) {
      const answer = await exchange(rig.url, request, (text) => statuses(text).length > 0);
      const seen = (await rig.takeSeen()).join("\n");
      assert.doesNotMatch(seen, /^\w+ \/smuggled/m, `${name}: the app saw ${seen}, the client ${answer}`);
    }
  });
});
