import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runCheck } from "../../../compose/check.ts";
import { recoveryChecks } from "../../../compose/checks/recovery.ts";
import { type Fault, tryCheck } from "../fakes/red.ts";
import { roles, Shop } from "../fakes/shop.ts";

const list = () => recoveryChecks(roles);
const returned = /^\d+ of \d+ requests failed/;

/** While the database is away, the edge comes back as another one. */
const restartEdge: Fault[1] = ({ engine }) => {
  const edge = engine.of("nginx");
  engine.of("db").end = () => {
    engine.start(edge);
    return Promise.resolve(0);
  };
};

const countWrong = (what: string, count: (views: number) => number): Fault => [
  what,
  (shop) => {
    let asked = 0;
    shop.psql = () => {
      asked += 1;
      return { exitCode: 0, output: String(asked === 1 ? 0 : count(shop.views)) };
    };
  },
  /\d+ of \d+ views were answered, but -?\d+ were counted/,
];

describe("recovery", { concurrency: 6 }, () => {
  tryCheck({
    between: "web → db",
    name: "db restarted: service returns",
    list,
    seen: returned,
    faults: [
      countWrong("views that were answered weren't counted", (views) => views - 5),
      countWrong("more is counted than was asked", (views) => views * 2 + 5),
      ["the edge was restarted on the way", restartEdge, /^nginx was restarted on the way$/],
    ],
  });

  tryCheck({
    between: "nginx → web",
    name: "every web moved to another address: service returns",
    list,
    seen: returned,
    faults: [["addresses are kept", keepAddresses, /web came back at 10\.[\d., ]+, so nothing was moved/]],
  });

  for (const [name, expected] of [
    ["one web killed", 1],
    ["every web killed", 2],
    ["every web moved to another address", 2],
  ] as const) {
    test(`${name}: that many are started again, at other addresses when they are moved`, async () => {
      await using shop = await Shop.open();
      const look = () =>
        shop.engine.allOf("web").map((one) => ({ at: one.info.State.StartedAt, addresses: one.addresses() }));
      const before = look();
      const check = list().find((one) => one.name === `${name}: service returns`);
      assert.ok(check);
      const { outcome, seen } = await runCheck(check, shop.cluster);
      assert.equal(outcome, "passed", seen);
      const after = look();
      assert.equal(after.filter(({ at }, index) => at !== before[index]?.at).length, expected);
      const had = new Set(before.flatMap(({ addresses }) => addresses));
      const kept = after.flatMap(({ addresses }) => addresses).filter((one) => had.has(one));
      assert.equal(kept.length === 0, name.includes("moved"));
      // Those that held the old addresses are gone again.
      assert.equal(shop.engine.containers.length, 5);
    });
  }
});

/** An engine that gives a container the address that it had, whoever has it now. */
function keepAddresses({ engine }: Shop): void {
  const known = engine
    .allOf("web")
    .map((app) => ({ app, networks: structuredClone(app.info.NetworkSettings.Networks) }));
  const start = engine.start.bind(engine);
  engine.start = (container) => {
    start(container);
    const kept = known.find(({ app }) => app === container)?.networks;
    if (kept !== undefined) container.info.NetworkSettings.Networks = kept;
  };
}
