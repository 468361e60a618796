import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import protobuf from "protobufjs";
import { BuildTrace } from "../../lib/docker/buildkit/trace.ts";
import { fromRoot } from "../../lib/paths.ts";

const { root } = protobuf.parse(readFileSync(fromRoot("lib/docker/buildkit/status.proto"), "utf8"), {
  keepCase: true,
});
const type = root.lookupType("moby.buildkit.v1.StatusResponse");

/** What an engine would send. */
const told = (message: object): string =>
  Buffer.from(type.encode(type.fromObject(message)).finish()).toString("base64");

const started = { seconds: 1 };
const vertex = (digest: string, name: string, more: object = {}) => ({ digest, name, started, ...more });

describe("the trace of a build", () => {
  it("tells each step when it begins, once, and nothing of what is cached or takes no time", () => {
    const trace = new BuildTrace();

    assert.deepEqual(
      trace.add(
        told({
          vertexes: [
            vertex("a", "[internal] load .dockerignore"),
            vertex("b", "[internal] load metadata for docker.io/library/debian:13"),
            { digest: "c", name: "[2/3] RUN later" },
            vertex("d", "[web 1/2] FROM a", { cached: true }),
          ],
        }),
      ),
      ["looking up docker.io/library/debian:13"],
    );
    const begun = told({ vertexes: [vertex("c", "[2/3] RUN later"), vertex("e", "exporting to image")] });
    assert.deepEqual(trace.add(begun), ["step 2/3 RUN later", "storing the image"]);
    assert.deepEqual(trace.add(begun), []);
  });

  it("tells how far a transfer is, and says nothing twice", () => {
    const trace = new BuildTrace();
    trace.add(
      told({ vertexes: [vertex("a", "[1/2] FROM b"), vertex("c", "[internal] load build context")] }),
    );
    const layer = (ID: string, current: number) => ({ ID, vertex: "a", current, total: 4_000_000 });
    const context = { ID: "transferring context:", vertex: "c", current: 7_000_000 };

    assert.deepEqual(trace.add(told({ statuses: [layer("x", 1_000_000)] })), [
      "step 1/2 FROM b, loading 1.0 MB of 4.0 MB",
    ]);
    assert.deepEqual(trace.add(told({ statuses: [layer("x", 1_000_000)] })), []);
    assert.deepEqual(trace.add(told({ statuses: [layer("y", 2_000_000), context, context] })), [
      "step 1/2 FROM b, loading 3.0 MB of 8.0 MB",
      "sending the source, 7.0 MB",
    ]);
  });

  it("names the step that failed, not those that were cancelled, with its own output, whole", () => {
    const trace = new BuildTrace();
    const logs = [
      { vertex: "b", msg: Buffer.from("first\nno such ") },
      { vertex: "a", msg: Buffer.from("of another\n") },
      { vertex: "b", msg: Buffer.from("thing\n") },
    ];
    trace.add(told({ vertexes: [vertex("a", "[2/2] RUN a"), vertex("b", "[web 2/3] RUN b")], logs }));
    assert.equal(trace.failed(), undefined);
    trace.add(
      told({
        vertexes: [
          vertex("a", "[2/2] RUN a", { error: "context canceled" }),
          vertex("b", "[web 2/3] RUN b", { error: "exit code: 1" }),
        ],
      }),
    );

    assert.deepEqual(trace.failed(), {
      step: "step 2/3 RUN b in stage web",
      output: ["first", "no such thing"],
    });
    assert.equal(trace.hasBegun, true);
  });
});
