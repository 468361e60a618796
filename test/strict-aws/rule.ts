import type { Clients } from "../../lib/aws/clients.ts";
import type { AwsRequest } from "./request.ts";
import type { Reply } from "./reply.ts";

/** What a rule passes a call on to: the next rules, and finally the emulators. */
export type Next = (request: AwsRequest) => Promise<Reply>;

/** A behaviour that AWS has and the emulators lack. A rule may refuse a call, change it, or change its answer. */
export type Rule = (request: AwsRequest, next: Next) => Promise<Reply>;

/** Direct access to the emulators, for rules that need to know what exists. */
export interface Behind {
  clients(region: string): Clients;
}

/** Combines several rules into one. The first is nearest to the caller. */
export function compose(rules: readonly Rule[]): Rule {
  return (request, next) => {
    const run = (index: number, current: AwsRequest): Promise<Reply> => {
      const rule = rules[index];
      return rule === undefined ? next(current) : rule(current, (changed) => run(index + 1, changed));
    };
    return run(0, request);
  };
}
