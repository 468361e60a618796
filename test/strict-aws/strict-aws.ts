import { createClients, type Clients, type Endpoints, endpointsAt } from "../../lib/aws/clients.ts";
import type { LocalCredentials } from "../../lib/local/account/drawn-credentials.ts";
import { borrowEmulators } from "../local/borrowed-emulators.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import type { LoggedCall } from "./calls.ts";
import { Faults } from "./faults.ts";
import { forward } from "./forward.ts";
import type { Hook } from "./hooks.ts";
import { startProxy } from "./proxy.ts";
import type { AwsRequest } from "./request.ts";
import type { Behind } from "./rule.ts";
import { allRules, ruleOf, type Rules } from "./rules.ts";
import { ObjectClock } from "./rules/object-age.ts";

export interface BehavingAwsOptions {
  /** Directory for the emulators' logs. */
  readonly logDirectory: string;
  /** False (the default) saves the registry's process. moto then answers for ECR, which accepts no push. */
  readonly ecr?: boolean;
  /** Overrides rules of `allRules`. */
  readonly rules?: Partial<Rules>;
  /** The seed that decides which calls `faults.share` strikes. */
  readonly seed?: number;
}

/** The emulators behind a proxy that adds AWS behaviour which they lack. Dispose ends everything that it started. */
export interface StrictAws extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /**
   * The emulators without the rules: a second route for tests to check results, and the lax answers to compare a rule
   * with.
   */
  readonly bare: Endpoints;
  /** Every request through the proxy, retries included, in order of arrival. */
  readonly calls: readonly LoggedCall[];
  readonly faults: Faults;
  /** Calls and awaits the hook at every point of every call. Returns a function that removes the hook. */
  on(hook: Hook): () => void;
  /** Cuts every connection. Calls that haven't been passed on to the emulators never will be. */
  readonly cutAll: () => void;
  /** Makes what S3 holds older by so much, so that nobody has to wait until a lease has expired. */
  ageObjects(ms: number): Promise<void>;
  /** Empties the emulators, and clears calls, faults, hooks and the state of all rules. */
  reset(): Promise<void>;
}

/** @throws The same BerthErrors as `startEmulators`. */
export async function startStrictAws(options: BehavingAwsOptions): Promise<StrictAws> {
  const { logDirectory, ecr = false, seed = 1 } = options;
  await using started = new Disposables();
  const emulators = started.use(await borrowEmulators({ logDirectory, ecr }));
  const { endpoints: bare, credentials, backends } = emulators;
  const rules = { ...allRules, ...options.rules };
  const behind = clientsBehind(bare, credentials);
  let rule = ruleOf(rules, behind);
  const faults = new Faults(seed);
  const clock = new ObjectClock();
  const behave = (request: AwsRequest) =>
    rule(request, (one) => forward(one, one.service === "ecr" ? backends.ecr : backends.moto));
  const answer = (request: AwsRequest) => clock.rule(request, behave);
  const proxy = started.use(await startProxy({ faults, answer }));
  const kept = started.move();
  const { url, log, hooks } = proxy;
  return {
    endpoints: endpointsAt(url, bare.registry),
    credentials,
    bare,
    faults,
    get calls() {
      return log.calls;
    },
    on: (hook) => hooks.add(hook),
    cutAll: proxy.cutAll,
    ageObjects: (ms) => clock.putForward(ms),
    reset: async () => {
      await emulators.reset();
      rule = ruleOf(rules, behind);
      faults.clear();
      hooks.clear();
      log.clear();
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

function clientsBehind(endpoints: Endpoints, credentials: LocalCredentials): Behind {
  const known = new Map<string, Clients>();
  return {
    clients: (region) => {
      const clients = known.get(region) ?? createClients({ region, endpoints, credentials, maxAttempts: 2 });
      known.set(region, clients);
      return clients;
    },
  };
}
