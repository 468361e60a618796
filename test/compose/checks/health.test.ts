import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findTrouble, isOneShot, waitUntilReady } from "../../../compose/health.ts";
import { BerthError } from "../../../lib/errors.ts";
import type { FakeContainer, FakeInfo } from "../fakes/container.ts";
import { Shop } from "../fakes/shop.ts";

type State = FakeInfo["State"];

/** What is said of the first service that isn't ready, in no time. */
async function readTrouble(spoil: (shop: Shop) => void, patient = false): Promise<string> {
  await using shop = await Shop.open();
  shop.timeoutMs = 1;
  spoil(shop);
  try {
    await waitUntilReady(shop.cluster, { patient });
    return "ready";
  } catch (error) {
    assert.ok(error instanceof BerthError);
    return `${error.code}: ${error.message}`;
  }
}

const spoilOne =
  (service: string, change: (container: FakeContainer) => void) =>
  ({ engine }: Shop) =>
    change(engine.of(service));
const state = (service: string, change: Partial<State>) =>
  spoilOne(service, ({ info }) => Object.assign(info.State, change));
const exited = (exitCode: number, more: Partial<State> = {}): Partial<State> => ({
  Status: "exited",
  Running: false,
  ExitCode: exitCode,
  ...more,
});

describe("a cluster isn't ready", { concurrency: 8 }, () => {
  const cases: readonly (readonly [string, (shop: Shop) => void, string])[] = [
    [
      "when one is unhealthy",
      spoilOne("db", (one) => one.setHealth("unhealthy", "no space ")),
      "service db: unhealthy: no space",
    ],
    [
      "when one is still starting",
      spoilOne("nginx", (one) => one.setHealth("starting", "")),
      "service nginx: starting: no answer yet (waited 0.001 s)",
    ],
    [
      "when the second of two is unhealthy",
      ({ engine }) => engine.allOf("web")[1]?.setHealth("unhealthy", "bad"),
      "service web: unhealthy: bad",
    ],
    ["when one has ended with an error", state("web", exited(3)), "service web: ended with exit code 3"],
    [
      "when one has ended for want of memory",
      state("web", exited(137, { OOMKilled: true })),
      "service web: ended with exit code 137, out of memory",
    ],
    [
      "when one that should stay has ended without an error",
      state("web", exited(0)),
      "service web: ended with exit code 0",
    ],
    [
      "when one is dead",
      state("web", { Dead: true, Running: false, Status: "dead" }),
      "service web: ended with exit code 0",
    ],
    ["when a one-shot has failed", state("migrate", exited(1)), "service migrate: ended with exit code 1"],
    [
      "when a one-shot still runs",
      state("migrate", { Status: "running", Running: true }),
      "service migrate: runs (waited 0.001 s)",
    ],
    [
      "when one starts again and again",
      spoilOne("web", ({ info }) => {
        info.RestartCount = 3;
        Reflect.deleteProperty(info.State, "Health");
        Object.assign(info.State, { Restarting: true, ExitCode: 2 });
      }),
      "service web: ended with exit code 2, restarted 3 times",
    ],
    [
      "when one starts again",
      spoilOne("web", ({ info }) => {
        info.RestartCount = 2;
        Object.assign(info.State, { Restarting: true, ExitCode: 2 });
      }),
      "service web: ended with exit code 2, restarted 2 times (waited 0.001 s)",
    ],
    [
      "when one was made and not started",
      state("web", { Status: "created", Running: false }),
      "service web: is created (waited 0.001 s)",
    ],
    [
      "when one has no container",
      ({ engine }) => void engine.containers.splice(engine.containers.indexOf(engine.of("nginx")), 1),
      "service nginx: has no container (waited 0.001 s)",
    ],
    [
      "when several aren't: the one that the others wait for is named",
      ({ engine }) => ["nginx", "web", "db"].forEach((one) => engine.of(one).setHealth("unhealthy", one)),
      "service db: unhealthy: db",
    ],
  ];
  for (const [what, spoil, expected] of cases)
    test(what, async () => assert.equal(await readTrouble(spoil), `ServiceNotReady: ${expected}`));

  test("patience takes the unhealthy for late", async () => {
    await using shop = await Shop.open();
    let looks = 0;
    const health = () => ({ Status: (looks += 1) > 1 ? "healthy" : "unhealthy", Log: [] });
    Object.defineProperty(shop.engine.of("web").info.State, "Health", { get: health, enumerable: true });
    await waitUntilReady(shop.cluster, { patient: true });
    assert.equal(looks, 2);
    const late = await readTrouble(
      spoilOne("web", (one) => one.setHealth("unhealthy", "busy")),
      true,
    );
    assert.equal(late, "ServiceNotReady: service web: unhealthy: busy");
  });
});

describe("a cluster is ready", { concurrency: 8 }, () => {
  const cases: readonly (readonly [string, (shop: Shop) => void])[] = [
    ["as it is", () => undefined],
    [
      "when a service has no health check",
      spoilOne("web", ({ info }) => void Reflect.deleteProperty(info.State, "Health")),
    ],
    ["when its check is switched off", spoilOne("web", (one) => one.setHealth("none"))],
    [
      "when a job that is started again and again has ended without an error",
      spoilOne("db", ({ info }) => {
        info.RestartCount = 9;
        Reflect.deleteProperty(info.State, "Health");
        Object.assign(info.State, { Status: "restarting", Running: true, Restarting: true, ExitCode: 0 });
      }),
    ],
    [
      "when one that may end has ended without an error",
      spoilOne("db", ({ info }) => {
        info.HostConfig.RestartPolicy.Name = "on-failure";
        Object.assign(info.State, exited(0));
      }),
    ],
  ];
  for (const [what, spoil] of cases) test(what, async () => assert.equal(await readTrouble(spoil), "ready"));

  test("trouble is what has failed, not what is late", async () => {
    await using shop = await Shop.open();
    shop.engine.of("web").setHealth("starting");
    assert.equal(await findTrouble(shop.cluster), undefined);
    shop.engine.of("web").setHealth("unhealthy");
    assert.equal((await findTrouble(shop.cluster))?.resource, "web");
  });

  test("who ends before others begin is a one-shot", async () => {
    await using shop = await Shop.open();
    const oneShots = [...shop.file.services.keys()].filter((one) => isOneShot(shop.file, one));
    assert.deepEqual(oneShots, ["migrate"]);
  });

  test("an interruption ends the waiting", async () => {
    await using shop = await Shop.open();
    const cluster = Object.assign(shop.cluster, { signal: AbortSignal.abort(new Error("stopped")) });
    await assert.rejects(waitUntilReady(cluster), /stopped/);
  });
});
