import type { Clients } from "../../lib/aws/clients.ts";
import type { AwsRequest } from "./request.ts";
import type { Reply } from "./reply.ts";

/** What comes behind a rule: the other rules, and in the end the emulators. */
export type Next = (request: AwsRequest) => Promise<Reply>;

/** Something that AWS does and the emulators don't. It may refuse a call, change it, or change what is answered. */
export type Rule = (request: AwsRequest, next: Next) => Promise<Reply>;

/** The emulators themselves, for rules that have to know what is there. */
export interface Behind {
  clients(region: string): Clients;
}

/** One rule made of several; the first is nearest to the caller. */
export function compose(rules: readonly Rule[]): Rule {
  return (request, next) => {
    const run = (index: number, current: AwsRequest): Promise<Reply> => {
      const rule = rules[index];
      return rule === undefined ? next(current) : rule(current, (changed) => run(index + 1, changed));
    };
    return run(0, request);
  };
}
