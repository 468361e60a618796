import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openEdgeRig, type EdgeRig } from "./edge-rig.ts";
import { exchange, fetchAlone } from "./raw-http.ts";

/** What a client gets that isn't the app's, and what the log says of it. */
interface Failure {
  readonly status: number;
  readonly words: RegExp;
  readonly retryAfter: string | null;
  readonly failure: string;
  readonly tries: string;
}

const unreadable = {
  status: 502,
  words: /^The app's answer can't be passed on: its headers are malformed, break off, or are larger than/,
  retryAfter: null,
  failure: "unreadable",
};
const lost = { status: 502, words: /^The app closed the connection without an answer\./, failure: "lost" };
const late = {
  status: 504,
  words: /^The app did not answer in time \(edge\.answerSeconds\)\./,
  failure: "late",
};

describe("the edge's own words", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig();
    await rig.serve([8080], { drainSeconds: 1 });
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body = "x") => {
    const withBody = ["GET", "HEAD", "OPTIONS"].includes(method) ? {} : { body };
    const response = await fetchAlone(`${rig.url}${path}`, { method, headers, ...withBody });
    return { response, text: await response.text() };
  };

  const findLine = (id: string | null) => rig.findLine((line) => line.id === id);

  const expectFailure = async (answer: Awaited<ReturnType<typeof ask>>, expected: Failure) => {
    const line = await findLine(answer.response.headers.get("x-request-id"));
    assert.match(answer.text, expected.words);
    assert.deepEqual(
      {
        status: answer.response.status,
        retryAfter: answer.response.headers.get("retry-after"),
        caching: answer.response.headers.get("cache-control"),
        type: answer.response.headers.get("content-type"),
        hidden: answer.response.headers.get("x-berth-failure"),
        logged: [line.status, line.failure, line.tries],
      },
      {
        status: expected.status,
        retryAfter: expected.retryAfter,
        caching: "no-store",
        type: "text/plain",
        hidden: null,
        logged: [expected.status, expected.failure, expected.tries],
      },
    );
  };

  it("say that an answer's headers can't be passed on", async () => {
    for (const path of ["/header/33000", "/garbled"])
      await expectFailure(await ask("GET", path), { ...unreadable, tries: "502 : 502" });
    await expectFailure(await ask("POST", "/header/33000"), { ...unreadable, tries: "502" });
  });

  it("say that the app gave no answer, and ask for another try only where that changes nothing", async () => {
    await expectFailure(await ask("GET", "/drop"), { ...lost, retryAfter: "5", tries: "502 : 502" });
    await expectFailure(await ask("POST", "/drop"), { ...lost, retryAfter: null, tries: "502" });
  });

  it("say that the app gave no answer in time", async () => {
    await rig.serve([8080], { answerSeconds: 1, drainSeconds: 1 });
    await expectFailure(await ask("GET", "/hang"), { ...late, retryAfter: "5", tries: "504 : 504" });
    await expectFailure(await ask("POST", "/sleep/120"), { ...late, retryAfter: null, tries: "504" });
    await rig.serve([8080], { drainSeconds: 1 });
  });

  it("say what is too large of a request, and that the app hasn't seen it", async () => {
    await rig.takeSeen();
    const tooLarge = { retryAfter: null, tries: "" };
    await expectFailure(await ask("POST", "/", {}, "x".repeat(11 << 20)), {
      ...tooLarge,
      status: 413,
      words: /^The body is larger than edge\.bodyMib allows: 10 MiB,/,
      failure: "body",
    });
    await expectFailure(await ask("GET", `/${"x".repeat(9000)}`), {
      ...tooLarge,
      status: 414,
      words: /^The address is longer than 8192 bytes, a quarter of edge\.headerKib\./,
      failure: "uri",
    });
    await expectFailure(await ask("GET", "/", { "X-Long": "x".repeat(9000) }), {
      ...tooLarge,
      status: 431,
      words: /^The request's headers are larger than edge\.headerKib allows: 8192 bytes for one,/,
      failure: "fields",
    });
    assert.deepEqual(await rig.takeSeen(), []);
  });

  it("say that a request is none", async () => {
    const answer = await exchange(rig.url, "NONSENSE\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\n\r\nThis is no request that HTTP allows\./);
    const id = /^X-Request-ID: (.*)$/m.exec(answer)?.[1]?.trim() ?? "";
    assert.equal((await findLine(id)).failure, "malformed");
  });

  it("are nothing that a client can ask for, and no status of the app's leads to them", async () => {
    for (const path of ["/./malformed", "/%2e/uri", "//./fields", "/.%2ffields"]) {
      const answer = await exchange(rig.url, `GET ${path} HTTP/1.0\r\nX-Berth-Failure: forged\r\n\r\n`);
      assert.match(answer, /"hello"$/, path);
    }
    for (const status of [400, 413, 414, 418, 429, 431, 494, 599])
      assert.equal((await ask("GET", `/status/${status}`)).response.status, status);
    for (const status of [500, 502, 503, 504, 599]) {
      const { response, text } = await ask("POST", `/status/${status}`);
      assert.deepEqual([response.status, text], [status, '"the app\'s own words"']);
      assert.equal((await findLine(response.headers.get("x-request-id"))).failure, "");
    }
  });

  it("are for a request that outlives a drain the truth, with its try", async () => {
    const cut = {
      status: 502,
      words: /^The connection to the app was cut before it answered, [^]*edge\.drainSeconds/,
      failure: "cut",
      tries: "502",
    };
    for (const [method, path, retryAfter] of [
      ["POST", "/sleep/120", null],
      ["GET", "/hang", "5"],
    ] as const) {
      await rig.serve([8080], { answerSeconds: 60, drainSeconds: 1 });
      await rig.takeSeen();
      const asked = ask(method, path);
      await rig.awaitSeen(1);
      // A switch to other replicas, as of a new release.
      await rig.serve([8081], { answerSeconds: 60, drainSeconds: 1 });
      await expectFailure(await asked, { ...cut, retryAfter });
    }
  });

  it("ask for another try of everything where nothing serves, since nothing was sent", async () => {
    await rig.toolbox.run(
      "pkill -f '^python3 -B /tmp/app'; while pgrep -f '^python3 -B /tmp/app'; do sleep 0.1; done",
    );
    const nothing = {
      status: 503,
      words: /^Nothing is serving here yet\./,
      retryAfter: "5",
      failure: "unreached",
    };
    for (const method of ["GET", "POST"])
      await expectFailure(await ask(method, "/"), { ...nothing, tries: Array(8).fill("502").join(" : ") });
    await rig.toolbox.run(
      "kill $(cat /run/berth-switch/nginx.pid); while [ -e /run/berth-switch/nginx.pid ]; do sleep 0.1; done",
    );
    await expectFailure(await ask("POST", "/"), { ...nothing, tries: "" });
  });
});

describe("the edge's spool, when it is full,", () => {
  it("is said, and nothing was passed on", async () => {
    await using rig = await openEdgeRig();
    await rig.serve([8080]);
    await rig.takeSeen();
    await rig.toolbox.run("head -c 60M /dev/zero > /var/spool/berth/filling");
    const response = await fetchAlone(`${rig.url}/`, { method: "POST", body: "x".repeat(9 << 20) });
    assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "5"]);
    assert.match(await response.text(), /^Too many large bodies are on their way\./);
    const id = response.headers.get("x-request-id");
    assert.equal((await rig.findLine((line) => line.id === id)).failure, "spool");
    assert.deepEqual(await rig.takeSeen(), []);
  });
});
