import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type EdgeRig, openEdgeRig } from "./edge-rig.ts";
import { exchange, statuses } from "./raw-http.ts";

const page = "<h1>geschlossen für heute</h1>\n";
const folder = "/var/lib/berth/maintenance";

describe("the edge while maintenance is on", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig("answering-app.py");
    await rig.serve([8080]);
    await rig.toolbox.run(`
      mkdir -p ${folder} /var/lib/berth-tls/webroot/.well-known/acme-challenge
      echo -n token > /var/lib/berth-tls/webroot/.well-known/acme-challenge/known`);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  // As maintenance.py does: the file alone, and no reload.
  const close = () => rig.toolbox.run(`echo '${page.trimEnd()}' > ${folder}/page.html`);
  const open = () => rig.toolbox.run(`rm -f ${folder}/page.html`);
  const requestOf = (method: string, path: string, ...headers: readonly string[]) =>
    [`${method} ${path} HTTP/1.1`, "Host: app", "Connection: close", ...headers, "", ""].join("\r\n");

  it("answers the page to whatever is asked, and none of it reaches the app", async () => {
    await close();
    await rig.takeSeen();
    for (const [method, path, init] of [
      ["GET", "/", {}],
      ["GET", "/any/where?x=1", {}],
      ["GET", "/page.html", {}],
      ["GET", "/.well-known/acme-challenge/unknown", {}],
      ["GET", "/", { headers: { "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT", Range: "bytes=0-3" } }],
      ["POST", "/form", { body: "a=1" }],
      ["PUT", "/file", { body: Buffer.alloc(1 << 20) }],
      ["DELETE", "/file", {}],
      ["OPTIONS", "/", {}],
    ] as const) {
      const answer = await fetch(new URL(path, rig.url), { method, ...init });
      const told = ["retry-after", "content-type", "cache-control", "x-frame-options"].map((name) =>
        answer.headers.get(name),
      );
      assert.equal(answer.status, 503, `${method} ${path}`);
      assert.deepEqual(
        told,
        ["120", "text/html; charset=utf-8", "no-store", "SAMEORIGIN"],
        `${method} ${path}`,
      );
      assert.equal(await answer.text(), page, `${method} ${path}`);
    }
    const head = await fetch(rig.url, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("retry-after"), await head.text()], [503, "120", ""]);
    assert.deepEqual(await rig.takeSeen(), []);
    const { failure, tries, status } = await rig.findLine(({ method }) => method === "HEAD");
    assert.deepEqual([failure, tries, status], ["maintenance", "", 503]);
  });

  it("opens no WebSocket and speaks no HTTP/0.9", async () => {
    const websocket = requestOf("GET", "/", "Upgrade: websocket", "Connection: upgrade");
    assert.deepEqual(statuses(await exchange(rig.url, websocket)), [503]);
    assert.deepEqual(statuses(await exchange(rig.url, requestOf("GET", "/./page"))), [503]);
    assert.doesNotMatch(await exchange(rig.url, "GET /\r\n"), /hello/);
    assert.deepEqual(await rig.takeSeen(), []);
  });

  it("shows the authority what it asks for, so that the certificate is renewed", async () => {
    const answer = await fetch(new URL("/.well-known/acme-challenge/known", rig.url));
    assert.deepEqual([answer.status, await answer.text()], [200, "token"]);
  });

  it("keeps connections, ends with the file, and shows no page that is gone", async () => {
    const two = requestOf("GET", "/").replace("Connection: close\r\n", "") + requestOf("GET", "/");
    assert.deepEqual(statuses(await exchange(rig.url, two)), [503, 503]);
    await open();
    const answer = await fetch(rig.url);
    assert.deepEqual([answer.status, await answer.text()], [200, "hello"]);
    assert.deepEqual(await rig.takeSeen(), ["GET /"]);
  });
});
