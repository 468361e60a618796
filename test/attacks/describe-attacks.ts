import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Attack, type Row, tryAll } from "./attack.ts";
import { openTarget } from "./target.ts";

/** Tries all of them on one host that really booted, and makes a test of each. */
export function describeAttacks(title: string, attacks: readonly Attack[]): void {
  describe(title, () => {
    let target: Awaited<ReturnType<typeof openTarget>>;
    const rows = new Map<string, Row>();
    const nameOf = ({ from, name }: { readonly from: string; readonly name: string }) => `${from}: ${name}`;

    before(async () => {
      target = await openTarget();
      for (const row of await tryAll({ target, attacks, lanes: 8 })) rows.set(nameOf(row), row);
    });
    after(() => target?.[Symbol.asyncDispose]());

    it("are told apart by who tries what", () => {
      assert.equal(new Set(attacks.map(nameOf)).size, attacks.length);
    });

    for (const attack of attacks) {
      it(nameOf(attack), () => assert.equal(rows.get(nameOf(attack))?.seen, attack.expected));
    }
  });
}
