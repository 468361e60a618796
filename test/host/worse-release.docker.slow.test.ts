import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { askDuring } from "./clients.ts";
import { type HostRig, openHostRig } from "./host-rig.ts";

/** Says its name, and from the tenth second on answers half of the requests with 500 if it is told to. */
const app = `
import http.server, itertools, os, time

begun, counted = time.monotonic(), itertools.count()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        tires = os.environ.get("TIRES") == "yes" and time.monotonic() - begun > 10
        self.send_response(500 if tires and next(counted) % 2 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`;

describe("a release that is well for ten seconds and then fails half of its answers", () => {
  let rig: HostRig;
  let image: string;
  before(async () => {
    rig = await openHostRig();
    await using folder = await writeSourceFolder({
      Dockerfile: 'FROM python:3.13-slim-trixie\nCOPY app.py /\nCMD ["python3", "-u", "/app.py"]\n',
      "app.py": app,
    });
    image = await rig.push(folder.path);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  it("gives way to the one before by itself", async (t) => {
    assert.equal((await rig.release(1, image)).status, "serving");
    const seen = await askDuring(rig.url, async () => {
      assert.equal((await rig.release(2, image)).status, "serving");
      const worse = { rollbackWhenWorse: true, environment: { TIRES: "yes" } };
      const report = await rig.release(3, image, worse);
      assert.deepEqual([report.status, report.serves, report.cause], ["failed", 2, "worse"]);
      assert.match(
        report.reason ?? "",
        /^\d+ of its first \d+ tries failed, and 0 of \d+ of release 2: clearly worse .*, so release 2 was put back$/,
      );
      t.diagnostic(report.reason ?? "");
    });
    t.diagnostic(JSON.stringify(Object.fromEntries(seen)));
    const containers = await rig.run("docker ps --format '{{.Names}}' | sort | xargs");
    assert.equal(containers, "app-2-0 app-2-1");
  });
});
