import type { PollContext } from "../lib/poll.ts";
import type { Cluster } from "./cluster.ts";

/** How the smoke test waits for its cluster: it looks often, because everything is on this computer. */
export const pace = ({ signal }: Pick<Cluster, "signal">, longestMs = 500): PollContext => ({
  signal,
  note: () => undefined,
  timings: { firstMs: 50, longestMs },
});
