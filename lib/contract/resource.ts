import type { Clients } from "../aws/clients.ts";
import type { PollTimings } from "../poll.ts";

/** What every read from AWS needs. A session's clients refuse every call that isn't a read. */
export interface ReadContext {
  readonly clients: Clients;
  /** The 12-digit account id. It is sent as ExpectedBucketOwner and is part of derived names. */
  readonly account: string;
  readonly region: string;
  /** Aborted on Ctrl-C: waits end early, but a running call is left to finish. */
  readonly signal: AbortSignal;
  /** Tells the user what the current step is waiting for: `i-0abc is pending`. */
  readonly note: (text: string) => void;
  /** Shortens all waits, for tests against emulators. If absent, waits suit AWS. */
  readonly timings?: PollTimings;
}

const mayWrite = Symbol("may write");

/** What every write to AWS needs. Only lib/deploy/lease.ts creates one, so that nothing writes without the lease. */
export interface WriteContext extends ReadContext {
  readonly [mayWrite]: true;
}

/** The same context with clients that may write. */
export function toWriteContext(ctx: ReadContext, clients: Clients): WriteContext {
  return { ...ctx, clients, [mayWrite]: true };
}

/** Which resource of which stack this is, with everything needed to recognise it in AWS. */
export interface Identity {
  readonly stack: string;
  /** Logical name, unique in the stack: `vpc`, `security-group`. The value of the tag `berth:resource`. */
  readonly name: string;
  /** Raised by one on each replacement. The value of the tag `berth:generation`. */
  readonly generation: number;
  /** The state document's lineage. It is part of client tokens, so that a stack deleted and created again gets new resources. */
  readonly lineage: string;
  /** All desired tags: the user's, overridden by Berth's ownership tags. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What AWS says about one resource. `id` identifies it in calls: an id, or a name where AWS has no id. */
export interface Observed {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Difference {
  /** The field's path, as a user would write it: `ingress[tcp/80 from 0.0.0.0/0]`. */
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  /** `update` in place, or `replace` by a new resource of the next generation. */
  readonly action: "update" | "replace";
  /** Why a replacement is needed, or what else the values don't say: `AWS can't move an instance to another subnet`. */
  readonly reason?: string;
}

/** One value of a resource that is going to be created, as a plan shows it. */
export interface Attribute {
  /** As a user would write it. Empty where the value says by itself what it is. */
  readonly field: string;
  readonly value: string;
}

export interface Change<Desired, Found extends Observed> {
  readonly identity: Identity;
  readonly desired: Desired;
  readonly observed: Found;
  readonly differences: readonly Difference[];
}

/** A resource as the census sees it: found only by ownership tags or derived name, without any state. */
export interface Listed {
  readonly id: string;
  /** The logical name, from the tag `berth:resource`. */
  readonly name: string;
  readonly generation: number;
}

/**
 * Everything that Berth knows about one kind of AWS resource.
 *
 * Obligations:
 * - no function keeps state; each may be called again at any time, in any process
 * - errors from AWS are thrown unchanged; "not found" is a result, never an error
 * - a resource that Berth doesn't own (no or foreign `berth:stack` tag) is never changed: `find` throws `ForeignResource`
 */
export interface Resource<Desired, Found extends Observed> {
  /** Kebab-case noun, equal to the file's name. */
  readonly kind: string;

  /**
   * Finds the resource by its recorded id, else by ownership tags (stack, resource, generation) or derived name. Never writes.
   * A resource that is terminated or being deleted counts as absent. Two matches throw `AmbiguousResource`.
   */
  find(ctx: ReadContext, identity: Identity, known?: string): Promise<Found | undefined>;

  /**
   * Creates the resource in ONE call that includes the tags, and a ClientToken where AWS takes one. Returns the id; throws
   * `LostReply` if the reply is lost.
   */
  create(ctx: WriteContext, identity: Identity, desired: Desired): Promise<string>;

  /** Pure. Empty if there is nothing to do. Tags that the user added by hand don't count as a difference. */
  differences(identity: Identity, desired: Desired, observed: Found): Difference[];

  /** Pure. What a user wants to know of a resource before it is created. Never a secret. Absent if its name says all. */
  attributes?(desired: Desired): readonly Attribute[];

  /** Resolves the `update` differences. Each step is idempotent by itself. */
  update(ctx: WriteContext, change: Change<Desired, Found>): Promise<void>;

  /** Returns when the resource is no longer listed; "already gone" is success. Retries calls that AWS refuses temporarily. */
  remove(ctx: WriteContext, id: string): Promise<void>;

  /** Lists everything of this kind that carries the stack's ownership tag, in any generation. Never writes. */
  list(ctx: ReadContext, stack: string): Promise<Listed[]>;
}
