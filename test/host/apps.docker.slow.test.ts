import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { Release } from "../../lib/release/schema.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { until } from "../local/temporary-aws.ts";
import { ask, askDuring } from "./clients.ts";
import { openHostRig, type HostRig } from "./host-rig.ts";

const files = { Dockerfile: "FROM python:3.13-slim-trixie\nVOLUME /uploads\nWORKDIR /srv\n" };
const serve = (...more: readonly string[]) => ["python3", "-u", "-m", "http.server", ...more];
const python = (program: string) => ["python3", "-uc", program];

/** An app that can't start, and what the report has to say of it: the cause and the reason. */
interface Failing {
  readonly title: string;
  /** How long the gate waits, if that is what fails it. Long enough for a busy machine to start Python. */
  readonly waits?: number;
  readonly app: Partial<Release>;
  readonly cause: string;
  readonly reason: RegExp;
}

const failing: readonly Failing[] = [
  {
    title: "needs more memory than it may have",
    app: { command: python("print('loading', flush=True); x = bytearray(300 << 20)") },
    cause: "memory",
    reason: /^app-\d+-0 was killed for memory: app\.memoryMib allows 64 MiB \(exit code 137, SIGKILL\)$/,
  },
  {
    title: "ends with an error",
    app: { command: python("raise SystemExit(3)") },
    cause: "exit",
    reason: /^app-\d+-0 stopped by itself: exit code 3$/,
  },
  {
    title: "ends as if its work were done",
    app: { command: ["true"] },
    cause: "done",
    reason: /^app-\d+-0 ended by itself with exit code 0/,
  },
  {
    title: "reads memory that isn't its own",
    app: { command: python("import ctypes; ctypes.string_at(0)") },
    cause: "signal",
    reason: /exit code 139, SIGSEGV$/,
  },
  {
    title: "isn't in the image",
    app: { command: ["/nope"] },
    cause: "not-found",
    reason: /can't start: the image has no such program: exec: "\/nope"/,
  },
  {
    title: "isn't executable",
    app: { command: ["/etc/passwd"] },
    cause: "not-executable",
    reason: /can't run its program: exec: "\/etc\/passwd": permission denied/,
  },
  {
    title: "listens for itself only",
    waits: 45,
    app: { command: serve("8080", "--bind", "127.0.0.1") },
    cause: "loopback-port",
    reason:
      /never opened port 8080 \(app\.port\) within 45 s: it listens on it for the container itself only/,
  },
  {
    title: "listens on another port",
    waits: 45,
    app: { command: serve("3000") },
    cause: "other-port",
    reason: /it listens on 3000$/,
  },
  {
    title: "listens on nothing",
    waits: 5,
    app: { command: ["sleep", "600"] },
    cause: "no-port",
    reason: /it listens on no port$/,
  },
  {
    title: "isn't healthy",
    waits: 45,
    app: { command: serve("8080"), health: { path: "/healthz", status: "200-299", timeoutSeconds: 10 } },
    cause: "unhealthy",
    reason: /on port 8080 answered 404 to GET \/healthz, expected 200-299, in \d+ tries within 45 s$/,
  },
  {
    title: "should be a user that the image doesn't have",
    app: { user: "ann", command: serve("8080") },
    cause: "user",
    reason: /^app\.user: ann isn't in this image$/,
  },
];

describe("an app of somebody else", () => {
  let rig: HostRig;
  let image: string;
  let number = 0;
  before(async () => {
    rig = await openHostRig();
    await using folder = await writeSourceFolder(files);
    image = await rig.push(folder.path);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const release = (app: Partial<Release>) =>
    rig.release((number += 1), image, { replicas: 1, startSeconds: 60, command: serve("8080"), ...app });
  const inApp = (script: string) => rig.run(`docker exec app-${number}-0 sh -c '${script}'`);
  const volumes = () => rig.run("docker volume ls --quiet | wc -l");

  it("serves by another command than the image's", async () => {
    const report = await release({});
    assert.deepEqual([report.status, report.reason], ["serving", undefined]);
    assert.equal(
      await inApp("id -u; id -g; touch /here 2>&1 | cut -d: -f3"),
      "65532\n65532\n Read-only file system",
    );
    await until(async () => (await ask(rig.url)) === 200);
  });

  for (const { title, waits = 60, app, cause, reason } of failing) {
    it(`that ${title} fails with that as its reason, and what serves goes on`, async () => {
      const served = number;
      const report = await release({ startSeconds: waits, ...app });
      assert.deepEqual([report.status, report.cause], ["failed", cause], report.reason);
      assert.match(report.reason ?? "", reason);
      assert.ok((report.serves ?? 0) <= served);
      assert.equal(await ask(rig.url), 200);
    });
  }

  it("with a value that no process can be started with is refused, and the reason names it", async () => {
    const report = await release({ environment: { LONG: "x".repeat(200_000) } });
    assert.equal(report.status, "failed");
    assert.equal(report.reason, "the desired release is out of bounds in environment");
  });

  it("leaves one volume for each replica that serves, however many releases there were", async () => {
    assert.equal((await release({ replicas: 2 })).status, "serving");
    await until(async () => (await volumes()) === "2");
  });

  it("has the user, the disk and the /tmp that it asks for", async () => {
    const report = await release({ user: "1000:0", writable: true, tmpMib: 8, replicas: 1 });
    assert.equal(report.status, "serving", report.reason);
    assert.equal(
      await inApp('id -u; id -g; df --output=size --block-size=1M /tmp | tail -n 1 | tr -d " "'),
      "1000\n0\n8",
    );
    assert.equal((await release({ user: "root", writable: true })).status, "serving");
    assert.equal(await inApp("id -u; touch /here && ls /here"), "0\n/here");
  });

  it("that ends while it serves is started again, counted and explained", async () => {
    const name = `app-${number}-0`;
    await rig.run(`kill -9 $(docker inspect --format '{{.State.Pid}}' ${name})`);
    await until(async () => (await rig.report())?.restarts?.count === 1);
    const last = (await rig.report())?.restarts?.last;
    assert.deepEqual(last?.reason, `${name} stopped by itself: exit code 137, SIGKILL`);
    await until(async () => (await ask(rig.url)) === 200);
  });

  it("loses no request while a replica that fails its check is taken out and comes back", async () => {
    const health = { path: "/tmp/well", status: "200", timeoutSeconds: 2 };
    const program = "cd / && touch /tmp/well && exec python3 -u -m http.server 8080";
    const report = await release({ replicas: 2, health, command: ["sh", "-c", program] });
    assert.equal(report.status, "serving", report.reason);
    const trouble = async () => (await rig.report())?.trouble ?? "";
    const seen = await askDuring(rig.url, async () => {
      await inApp("rm /tmp/well");
      await until(async () =>
        /app-\d+-0 is unhealthy: GET \/tmp\/well is answered with 404/.test(await trouble()),
      );
      await inApp("touch /tmp/well");
      await until(async () => (await trouble()) === "");
    });
    assert.deepEqual([...seen.keys()], [200]);
  });

  it("is kept while the desired release is no release, and the trouble is told of", async () => {
    const put = { Bucket: "berth-host-state", Key: "release.json" };
    await rig.clients.s3.send(new PutObjectCommand({ ...put, Body: "{" }));
    await until(async () => ((await rig.report())?.trouble ?? "").startsWith("the desired release: "));
    await rig.run(`docker kill app-${number}-1`);
    await until(async () => (await rig.run("docker ps --format '{{.Names}}' | grep -c ^app-")) === "2");
    assert.equal((await release({})).status, "serving");
  });
});
