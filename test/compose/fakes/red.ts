import assert from "node:assert/strict";
import { test } from "node:test";
import { type Check, runCheck } from "../../../compose/check.ts";
import type { Cluster } from "../../../compose/cluster.ts";
import { Shop } from "./shop.ts";

/** A fault: what is wrong, how to cause it, and the check's expected message. */
export type Fault = readonly [what: string, spoil: (shop: Shop) => void, expected: RegExp];

export interface Trial {
  /** The check's `between`. */
  readonly between: string;
  readonly name: string;
  readonly list: (cluster: Cluster) => readonly Check[];
  readonly cluster?: (shop: Shop) => Cluster;
  /** What the shop is like when nothing is wrong. */
  readonly prepare?: (shop: Shop) => void;
  /** The observation when nothing is wrong. */
  readonly seen: RegExp;
  readonly faults: readonly Fault[];
}

/** Expects the check to pass on a correct cluster, and to fail with the right message for each single fault. */
export function tryCheck({
  between,
  name,
  list,
  cluster: choose = ({ cluster }) => cluster,
  prepare = () => undefined,
  seen,
  faults,
}: Trial) {
  const run = async (shop: Shop) => {
    const cluster = choose(shop);
    const check = list(cluster).find((one) => one.between === between && one.name === name);
    assert.ok(check, `no check ${between}: ${name}`);
    return runCheck(check, cluster);
  };
  test(`${between}: ${name}: is green`, async () => {
    await using shop = await Shop.open();
    prepare(shop);
    const result = await run(shop);
    assert.equal(result.outcome, "passed", result.seen);
    assert.match(result.seen, seen);
  });
  for (const [what, spoil, expected] of faults) {
    test(`${between}: ${name}: is red when ${what}`, async () => {
      await using shop = await Shop.open();
      prepare(shop);
      spoil(shop);
      const result = await run(shop);
      assert.equal(result.outcome, "failed", result.seen);
      assert.match(result.seen, expected);
    });
  }
}
