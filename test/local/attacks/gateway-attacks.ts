import { callsBeyond } from "./calls-beyond.ts";
import { ownOf, type GatewayTarget } from "./forbidden-call.ts";
import { callsOfPages } from "./page-calls.ts";
import { sendRaw, type RawAnswer } from "./signed-call.ts";
import { unprovenCalls } from "./unproven-calls.ts";

/** One attempt by somebody without permission. */
export interface GatewayAttack {
  readonly name: string;
  /** What has to be seen, as `describeAnswer` tells it. */
  readonly expected: string;
  readonly attempt: (target: GatewayTarget) => Promise<RawAnswer>;
}

/** All attacks on the gateway. Each must be refused and must change nothing. */
export const gatewayAttacks: readonly GatewayAttack[] = [
  ...callsOfPages,
  ...unprovenCalls,
  ...callsBeyond,
].map(({ name, expected, call }) => ({
  name,
  expected,
  attempt: async (target) => {
    const own = ownOf(target);
    return sendRaw(own.port, await call(own));
  },
}));
