import type { AwsRequest, Service } from "./request.ts";
import { refuse, type Refusal, type Reply } from "./reply.ts";

/**
 * What goes wrong with a call. `before`: the connection is cut and the call has had no effect. `after`: the call has
 * had its effect, and the reply is lost. The others replace the service's answer, or delay the call: for some time, or
 * until something else has happened.
 */
export type Fault = "before" | "after" | RefusedFault | Delay;

export type Delay = { readonly latencyMs: number } | { readonly until: () => Promise<unknown> };

export type RefusedFault = "throttle" | "429" | "500" | "503" | "conflict" | "expired" | "denied";

/** `ec2:RunInstances`, `s3:*`, `*`, or a condition on the call. */
export type Target = string | ((call: Pick<AwsRequest, "service" | "operation" | "kind" | "url">) => boolean);

/** One requested fault. */
export interface Planned {
  /** How many calls the fault has struck so far. A test that relies on a fault checks that it occurred. */
  readonly hits: number;
  stop(): void;
}

interface Plan {
  readonly matches: (request: AwsRequest) => boolean;
  /** Called for the n-th matching call. */
  readonly strikes: (nth: number) => Fault | undefined;
  seen: number;
  hits: number;
}

/** Which faults occur, and when. Counting of calls starts when the fault is requested. */
export class Faults {
  #plans: Plan[] = [];
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  /** Strikes one call only: the first that matches, or the matching call with the given number. */
  once(target: Target, fault: Fault, { call = 1 } = {}): Planned {
    return this.#add(target, (nth) => (nth === call ? fault : undefined));
  }

  always(target: Target, fault: Fault): Planned {
    return this.#add(target, () => fault);
  }

  /** Strikes every n-th matching call. */
  every(n: number, target: Target, fault: Fault): Planned {
    return this.#add(target, (nth) => (nth % n === 0 ? fault : undefined));
  }

  /**
   * Strikes a share of all matching calls, such as 0.2, each with one of the faults. The seed decides: equal calls get
   * equal faults. The order of calls that are under way at once doesn't follow from it, so none is struck five times in a row: a
   * command gives up after six.
   */
  share(part: number, target: Target, faults: readonly Fault[]): Planned {
    const matches = matcherOf(target);
    const isSpared = ({ headers }: AwsRequest) => /^attempt=[56];/.test(String(headers["amz-sdk-request"]));
    return this.#plan(
      (request) => matches(request) && !isSpared(request),
      () => {
        const isStruck = this.#random() < part;
        const chosen = faults[Math.floor(this.#random() * faults.length)];
        return isStruck ? chosen : undefined;
      },
    );
  }

  clear(): void {
    this.#plans = [];
  }

  /** All faults that strike this call. */
  take(request: AwsRequest): Fault[] {
    return this.#plans.flatMap((plan) => {
      if (!plan.matches(request)) return [];
      plan.seen += 1;
      const fault = plan.strikes(plan.seen);
      if (fault === undefined) return [];
      plan.hits += 1;
      return [fault];
    });
  }

  #add(target: Target, strikes: Plan["strikes"]): Planned {
    return this.#plan(matcherOf(target), strikes);
  }

  #plan(matches: Plan["matches"], strikes: Plan["strikes"]): Planned {
    const plan: Plan = { matches, strikes, seen: 0, hits: 0 };
    this.#plans.push(plan);
    return {
      get hits() {
        return plan.hits;
      },
      stop: () => {
        this.#plans = this.#plans.filter((one) => one !== plan);
      },
    };
  }
}

function matcherOf(target: Target): (request: AwsRequest) => boolean {
  if (typeof target === "function") return target;
  const [service = "*", operation = "*"] = target.split(":");
  return (request) =>
    (service === "*" || service === request.service) &&
    (operation === "*" || operation === request.operation);
}

/** Random numbers from 0 to 1 that depend only on the seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Codes = Readonly<Record<Service, readonly [status: number, code: string]>>;

// Services have different codes for the same error.
const throttle: Codes = {
  cloudwatch: [400, "ThrottlingException"],
  ec2: [503, "RequestLimitExceeded"],
  ecr: [400, "ThrottlingException"],
  iam: [400, "Throttling"],
  route53: [400, "Throttling"],
  s3: [503, "SlowDown"],
  logs: [400, "ThrottlingException"],
  secretsmanager: [400, "ThrottlingException"],
  sns: [400, "Throttling"],
  ssm: [400, "ThrottlingException"],
  sts: [400, "Throttling"],
};
const internal: Codes = {
  cloudwatch: [500, "InternalServiceFault"],
  ec2: [500, "InternalError"],
  ecr: [500, "ServerException"],
  iam: [500, "ServiceFailure"],
  route53: [500, "InternalFailure"],
  s3: [500, "InternalError"],
  logs: [500, "InternalServerError"],
  secretsmanager: [500, "InternalServerError"],
  sns: [500, "InternalFailure"],
  ssm: [500, "InternalServerError"],
  sts: [500, "InternalFailure"],
};
const unavailable: Codes = {
  cloudwatch: [503, "ServiceUnavailable"],
  ec2: [503, "Unavailable"],
  ecr: [503, "ServiceUnavailable"],
  iam: [503, "ServiceUnavailable"],
  route53: [503, "ServiceUnavailable"],
  s3: [503, "ServiceUnavailable"],
  logs: [503, "ServiceUnavailable"],
  secretsmanager: [503, "ServiceUnavailable"],
  sns: [503, "ServiceUnavailable"],
  ssm: [503, "ServiceUnavailable"],
  sts: [503, "ServiceUnavailable"],
};
const expired: Codes = {
  cloudwatch: [400, "ExpiredTokenException"],
  ec2: [400, "RequestExpired"],
  ecr: [400, "ExpiredTokenException"],
  iam: [403, "ExpiredToken"],
  route53: [403, "ExpiredToken"],
  s3: [400, "ExpiredToken"],
  logs: [400, "ExpiredTokenException"],
  secretsmanager: [400, "ExpiredTokenException"],
  sns: [403, "ExpiredToken"],
  ssm: [400, "ExpiredTokenException"],
  sts: [403, "ExpiredToken"],
};
const denied: Codes = {
  cloudwatch: [400, "AccessDeniedException"],
  ec2: [403, "UnauthorizedOperation"],
  ecr: [400, "AccessDeniedException"],
  iam: [403, "AccessDenied"],
  route53: [403, "AccessDenied"],
  s3: [403, "AccessDenied"],
  logs: [400, "AccessDeniedException"],
  secretsmanager: [400, "AccessDeniedException"],
  sns: [403, "AuthorizationError"],
  ssm: [400, "AccessDeniedException"],
  sts: [403, "AccessDenied"],
};

const refusals: Record<RefusedFault, (request: AwsRequest) => Refusal> = {
  throttle: ({ service }) => refusal(throttle[service], "Please reduce your request rate."),
  "429": ({ service }) => refusal([429, throttle[service][1]], "Too many requests"),
  "500": ({ service }) => refusal(internal[service], "An internal error has occurred"),
  "503": ({ service }) => refusal(unavailable[service], "The service is temporarily unavailable."),
  conflict: () =>
    refusal(
      [409, "ConditionalRequestConflict"],
      "A conflicting operation occurred during the processing of a conditional request.",
    ),
  expired: ({ service }) =>
    refusal(expired[service], "The security token included in the request is expired"),
  denied: ({ service, operation }) =>
    refusal(
      denied[service],
      `User: arn:aws:iam::123456789012:user/berth is not authorized to perform: ${service}:${operation} because no identity-based policy allows the action`,
    ),
};

export function faultReply(request: AwsRequest, fault: RefusedFault): Reply {
  return refuse(request, refusals[fault](request));
}

function refusal([status, code]: readonly [number, string], message: string): Refusal {
  return { status, code, message };
}
