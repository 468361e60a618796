import { createClients, type Clients, type Endpoints } from "../../lib/aws/clients.ts";
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

export interface BehavingAwsOptions {
  /** The logs of the emulators are kept here. */
  readonly logDirectory: string;
  /** False (the default) spares the registry's process; ECR is then moto's, which takes no push. */
  readonly ecr?: boolean;
  /** In place of those of `allRules`. */
  readonly rules?: Partial<Rules>;
  /** Decides which calls `faults.share` strikes. */
  readonly seed?: number;
}

/** The emulators behind a proxy that adds what AWS does and they don't. Ends with all it started on dispose. */
export interface StrictAws extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /** The emulators without the rules: the other route by which a test looks, and the lax answer that a rule is compared with. */
  readonly bare: Endpoints;
  /** Every request through the proxy, retries included, in order of arrival. */
  readonly calls: readonly LoggedCall[];
  readonly faults: Faults;
  /** Has the hook told of every point of every call, and awaited. Returns what takes it away. */
  on(hook: Hook): () => void;
  /** Cuts every connection. Calls that have not gone on to the emulators never will. */
  readonly cutAll: () => void;
  /** Empties the emulators; forgets calls, faults, hooks and all that the rules remember. */
  reset(): Promise<void>;
}

/** @throws BerthError as `startEmulators`. */
export async function startStrictAws(options: BehavingAwsOptions): Promise<StrictAws> {
  const { logDirectory, ecr = false, seed = 1 } = options;
  await using started = new Disposables();
  const emulators = started.use(await borrowEmulators({ logDirectory, ecr }));
  const { endpoints: bare, credentials, backends } = emulators;
  const rules = { ...allRules, ...options.rules };
  const behind = clientsBehind(bare, credentials);
  let rule = ruleOf(rules, behind);
  const faults = new Faults(seed);
  const answer = (request: AwsRequest) =>
    rule(request, (one) => forward(one, one.service === "ecr" ? backends.ecr : backends.moto));
  const proxy = started.use(await startProxy({ faults, answer }));
  const kept = started.move();
  const { url, log, hooks } = proxy;
  return {
    endpoints: { ...bare, ec2: url, ecr: url, iam: url, s3: url, ssm: url, sts: url },
    credentials,
    bare,
    faults,
    get calls() {
      return log.calls;
    },
    on: (hook) => hooks.add(hook),
    cutAll: proxy.cutAll,
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
