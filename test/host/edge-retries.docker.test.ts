import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openEdgeRig, type EdgeRig } from "./edge-rig.ts";
import { fetchAlone } from "./raw-http.ts";

const ports = [8080, 8081, 8082, 8083];
const unsafe = ["POST", "PUT", "DELETE", "PATCH", "REFUND"];

describe("the edge's retries", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const ask = async (method: string, path: string) => {
    const body = ["GET", "HEAD", "OPTIONS"].includes(method) ? {} : { body: "x" };
    const response = await fetchAlone(`${rig.url}${path}`, { method, ...body });
    const id = response.headers.get("x-request-id");
    const tries = async () => (await rig.findLine((line) => line.id === id)).tries;
    return { status: response.status, text: await response.text(), tries };
  };
  const askMany = async (requests: number, path: string) => {
    const clients = Array.from({ length: 10 }, async () => {
      for (let sent = 0; sent < requests / 10; sent++) await (await fetch(`${rig.url}${path}`)).text();
    });
    await Promise.all(clients);
  };

  it("are for GET, HEAD and OPTIONS alone, six tries of an app that fails", async () => {
    await rig.serve(ports);
    await rig.takeSeen();
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      assert.equal((await ask(method, "/fail")).status, 500);
      assert.deepEqual(
        await rig.takeSeen(),
        Array.from({ length: 6 }, () => `${method} /fail`),
      );
    }
    for (const method of unsafe) {
      assert.equal((await ask(method, "/fail")).status, 500);
      assert.equal((await rig.takeSeen()).length, 1, method);
    }
  });

  it("give a request that was never answered one more try, and one that may change something none", async () => {
    assert.equal((await ask("GET", "/drop")).status, 502);
    assert.deepEqual(await rig.takeSeen(), ["GET /drop", "GET /drop"]);
    for (const method of unsafe) {
      const { status, tries } = await ask(method, "/drop");
      assert.equal(status, 502);
      assert.equal((await rig.takeSeen()).length, 1, method);
      assert.equal(await tries(), "502");
    }
  });

  it("give a request that took too long one more try, and then say so", async () => {
    await rig.serve(ports, { answerSeconds: 1 });
    await rig.takeSeen();
    const { status, tries } = await ask("GET", "/hang");
    assert.equal(status, 504);
    assert.deepEqual(await rig.awaitSeen(2), ["GET /hang", "GET /hang"]);
    assert.equal(await tries(), "504 : 504");
    await rig.serve(ports);
  });

  it("send no request twice that may change something, whatever is answered", async () => {
    const keys = Array.from({ length: 100 }, (_, index) => `order-${index}`);
    const statuses = await Promise.all(
      keys.map(async (body) => (await fetch(rig.url, { method: "POST", body })).status),
    );
    const expected = keys.map((key) => `POST / "${key}"`);
    assert.deepEqual((await rig.takeSeen()).toSorted(), expected.toSorted());
    assert.ok(statuses.includes(500) && statuses.includes(200));
  });

  it("are nothing that an app can ask for, in nginx's own words", async () => {
    await rig.serve(ports);
    await rig.takeSeen();
    for (const method of ["GET", "POST"]) {
      const { status, text } = await ask(method, "/again");
      assert.deepEqual([status, text], [200, '"once"']);
      assert.equal((await rig.takeSeen()).length, 1, method);
    }
  });

  it("let a request kill two replicas, not all", async () => {
    await ask("GET", "/die");
    assert.equal(await rig.toolbox.run("pgrep --count --full '^python3 -B /tmp/app'"), "2");
  });

  it("go past replicas that are gone, for every method", async () => {
    await rig.takeSeen();
    for (const method of unsafe) assert.notEqual((await ask(method, "/gone")).status, 503);
    assert.equal((await rig.takeSeen()).length, unsafe.length);
  });

  it("cost an app that fails always no more than a sixth of its load, and take nothing from its own answer", async () => {
    await rig.serve(ports);
    for (const path of ["/drop", "/fail"]) {
      await askMany(400, path);
      await rig.takeSeen();
      await askMany(2000, path);
      const tries = (await rig.takeSeen()).length;
      assert.ok(tries < 2000 * 1.17, `${tries} tries for 2000 GET ${path}`);
    }
    assert.match((await ask("GET", "/fail")).text, /the app's own words/);
  });

  it("are there again when the app is", async () => {
    await askMany(500, "/headers");
    await rig.takeSeen();
    await ask("GET", "/fail");
    assert.equal((await rig.takeSeen()).length, 6);
  });
});
