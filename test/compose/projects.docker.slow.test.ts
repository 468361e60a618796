import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { type Belongings, makeBelongings } from "./belongings.ts";
import { listLeftovers } from "./leftovers.ts";
import { runSmoke } from "./run-smoke.ts";

const docker = await connectDocker();
const tool = await findComposeTool();
const well = "all: every service is well, and stays up";

interface Project {
  readonly name: string;
  readonly exitCode: number;
  readonly passed: readonly string[];
  readonly skipped?: readonly string[];
  readonly failed?: readonly string[];
  /** The code of the first error, and what its message and its lines say. */
  readonly error?: readonly [code: string, words: RegExp];
  readonly onlyVersion2?: boolean;
}

const way = (from: string, to: string) => `${from} → ${to}: connects by name`;
const noWay = (from: string, to: string) => `${from} ✗ ${to}: has no way there`;
const answers = (service: string) => `host → ${service}: its published port answers`;
const receives = (service: string) => `host → ${service}: it receives at its UDP port`;

/** Files of the shape that well-known projects have. Their words are our own, and their images are the base images. */
const projects: readonly Project[] = [
  { name: "blog", exitCode: 0, passed: [well, answers("blog"), way("blog", "db")] },
  {
    name: "workflow",
    exitCode: 0,
    passed: [
      well,
      answers("webserver"),
      ...["webserver", "scheduler", "triggerer"].map((one) => way(one, "db")),
    ],
    skipped: [way("triggerer", "scheduler")],
  },
  {
    name: "queue",
    exitCode: 0,
    passed: [
      well,
      answers("web"),
      answers("monitor"),
      ...["web", "worker", "clock", "monitor"].map((one) => way(one, "cache")),
    ],
    skipped: [way("monitor", "worker")],
  },
  {
    name: "cloud",
    exitCode: 0,
    passed: [well, answers("app"), way("app", "db")],
    skipped: [way("seed", "app"), way("seed", "db")],
  },
  {
    name: "metrics",
    exitCode: 0,
    passed: [well, answers("collector"), receives("collector"), way("sender", "collector")],
  },
  { name: "names", exitCode: 0, passed: [well, answers("names"), receives("names")] },
  {
    name: "proxy",
    exitCode: 3,
    passed: [],
    error: [
      "NotIsolated",
      /(?=.*services\.proxy\.volumes: \/var\/run\/docker\.sock)(?=.*services\.exporter\.volumes: \/:)(?=.*services\.exporter\.pid)/s,
    ],
  },
  {
    name: "social",
    exitCode: 0,
    passed: [
      well,
      answers("web"),
      answers("streaming"),
      ...["web", "streaming", "sidekiq"].map((one) => way(one, "db")),
      noWay("tunnel", "db"),
      noWay("db", "tunnel"),
    ],
    onlyVersion2: true,
  },
  {
    name: "platform",
    exitCode: 0,
    passed: [
      well,
      answers("gateway"),
      ...["auth", "rest", "meta", "db"].map((one) => way("gateway", one)),
      ...["auth", "rest", "meta"].map((one) => way(one, "db")),
      ...["gateway", "auth", "rest", "meta", "db"].map((one) => noWay("vector", one)),
    ],
    skipped: ["gateway", "auth", "rest", "meta", "db"].map((one) => noWay(one, "vector")),
    onlyVersion2: true,
  },
  { name: "bot", exitCode: 0, passed: [well] },
  { name: "minimal", exitCode: 0, passed: [well, answers("app")] },
  {
    name: "shop",
    exitCode: 1,
    passed: [answers("shop")],
    failed: [well, way("shop", "db"), way("worker", "db")],
    error: ["ServiceNotReady", /service worker: ended with exit code 4, after it had started.*the-reason/s],
  },
];

describe(
  "files of well-known shape are judged rightly, and nobody's data is touched",
  { concurrency: 2 },
  () => {
    let belongings: Belongings;
    let folder: string;
    let untouched: object;

    before(async () => {
      belongings = await makeBelongings(docker);
      folder = await mkdtemp(join(tmpdir(), "berth-projects-"));
      await cp(fromRoot("test/compose/projects"), folder, { recursive: true });
      // Read by docker-compose itself, as a user's own file.
      await writeFile(join(folder, ".env"), `OWNER=${belongings.name}\nFOLDER=${belongings.folder}\n`);
      untouched = await belongings.look();
    });
    after(async () => {
      await belongings[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    for (const { name, onlyVersion2, ...expected } of projects) {
      const skip = onlyVersion2 === true && tool.major === 1 ? "Compose 1 can't" : false;
      test(name, { skip }, async () => {
        // What fails is waited for to the end.
        const seconds = expected.exitCode === 0 ? 180 : 60;
        const args = ["--file", join(folder, `${name}.yml`), "--timeout", String(seconds)];

        const { exitCode, checks, errors, summary } = await runSmoke(args);

        const listed = (outcome: string) =>
          checks.filter((one) => one.outcome === outcome).map((one) => `${one.between}: ${one.name}`);
        const seen = JSON.stringify({ checks, errors }, null, 1);
        // A job that ends and is started again may run or not at the moment of its check.
        const steady = (names: readonly string[]) =>
          names.filter((one) => !one.startsWith("cron → ")).toSorted();
        assert.deepEqual(steady(listed("passed")), steady(expected.passed), seen);
        assert.deepEqual(steady(listed("skipped")), steady(expected.skipped ?? []), seen);
        assert.deepEqual(listed("failed").toSorted(), steady(expected.failed ?? []), seen);
        assert.equal(exitCode, expected.exitCode, seen);
        assert.deepEqual(await belongings.look(), untouched);
        assert.deepEqual(await listLeftovers(docker, summary.project ?? "none"), []);
        const [first] = errors;
        const [code, words] = expected.error ?? [undefined, /^$/];
        assert.equal(first?.code, code);
        assert.match([first?.message, ...(first?.detail ?? [])].join("\n").trim(), words);
      });
    }
  },
);
