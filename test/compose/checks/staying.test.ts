import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runCheck } from "../../../compose/check.ts";
import { stayingCheck } from "../../../compose/checks/staying.ts";
import { tryCheck } from "../fakes/red.ts";
import { Shop } from "../fakes/shop.ts";

/** web runs without a health check, so nothing but time tells whether it stays up. */
const letRun = ({ engine }: Shop) => {
  for (const { info } of engine.allOf("web")) Reflect.deleteProperty(info.State, "Health");
};

describe("every service is well, and stays up", { concurrency: 4 }, () => {
  tryCheck({
    between: "all",
    name: "every service is well, and stays up",
    list: () => [stayingCheck(50)],
    prepare: letRun,
    seen: /^2 healthy; 1 done, exit code 0; 1 runs$/,
    faults: [
      [
        "one ends with an error while it is watched",
        ({ engine }) => engine.deaths.push([engine.of("web"), 4]),
        /^service web: ended with exit code 4, after it had started$/,
      ],
      [
        "one ends with an error after a job that ended without",
        ({ engine }) => engine.deaths.push([engine.of("migrate"), 0], [engine.of("web"), 137]),
        /^service web: ended with exit code 137/,
      ],
      [
        "two end, one of them twice, and a third is unhealthy",
        ({ engine }) => {
          engine.deaths.push([engine.of("web"), 4], [engine.of("nginx"), 5], [engine.of("web"), 6]);
          engine.of("db").setHealth("unhealthy", "full");
        },
        /^service web: ended with exit code 4, [^;]*; service nginx: ended with exit code 5, [^;]*; service db: unhealthy: full$/,
      ],
      [
        "one has become unhealthy",
        ({ engine }) => engine.of("db").setHealth("unhealthy", "full"),
        /^service db: unhealthy: full$/,
      ],
    ],
  });

  test("nobody is watched where everybody is healthy or done", async () => {
    await using shop = await Shop.open();
    shop.engine.deaths.push([shop.engine.of("web"), 4]);
    const { outcome, seen } = await runCheck(stayingCheck(), shop.cluster);
    assert.equal(`${outcome}: ${seen}`, "passed: 3 healthy; 1 done, exit code 0");
  });

  test("a job that ends without an error again and again is well", async () => {
    await using shop = await Shop.open();
    letRun(shop);
    shop.engine.deaths.push([shop.engine.of("web"), 0], [shop.engine.of("web"), 0]);
    assert.equal((await runCheck(stayingCheck(50), shop.cluster)).outcome, "passed");
  });

  test("nothing is said of a file without containers", async () => {
    await using shop = await Shop.open();
    Object.assign(shop.cluster.file, { services: new Map() });
    assert.equal((await runCheck(stayingCheck(50), shop.cluster)).outcome, "skipped");
  });
});
