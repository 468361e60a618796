import { setTimeout as sleep } from "node:timers/promises";
import { leaseKey } from "../../state/lease/lease.ts";
import type { Bench } from "./bench.ts";
import { isRenewal, Recording } from "./points.ts";
import type { Order } from "./runner.ts";
import type { Scenario } from "./scenarios.ts";

/** What makes a run last until its lease has been renewed. */
export interface Lasting {
  readonly environment: NonNullable<Order["environment"]>;
  /**
   * Releases the write that is held back. Throws if no heartbeat came, because the run's next write would then have
   * renewed the lease.
   */
  end(): void;
}

const patienceMs = 120_000;

/** For the renewal scenario, holds back the first write under the lease until the first heartbeat has been answered. */
export function lastUntilRenewed({ aws }: Bench, { name }: Scenario): Lasting {
  if (name !== "renewal") return { environment: {}, end: () => {} };
  let isHeartless = false;
  let release = () => {};
  const renewed = new Promise<void>((resolve) => (release = resolve));
  const until = async () => {
    const patience = sleep(patienceMs, true, { ref: false });
    isHeartless = await Promise.race([renewed.then(() => false), patience]);
  };
  const recording = new Recording(undefined);
  const off = aws.on((point) => {
    const isAnswered = recording.see(point).some(isRenewal) && point.stage === "answered";
    if (isAnswered) release();
  });
  const held = aws.faults.once(({ kind, url }) => kind === "write" && !url.includes(leaseKey), { until });
  return {
    // A lease of 30 seconds is renewed every ten.
    environment: { BERTH_LEASE_SECONDS: "30" },
    end: () => {
      held.stop();
      off();
      release();
      if (isHeartless) throw new Error(`No heartbeat within ${patienceMs / 1000} s`);
    },
  };
}
