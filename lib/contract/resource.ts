import type { Clients } from "../aws/clients.ts";
import type { PollTimings } from "../poll.ts";

/** What every look at AWS works with. The clients of a session refuse every call that isn't a read. */
export interface ReadContext {
  readonly clients: Clients;
  /** 12-digit account id; sent as ExpectedBucketOwner and used in derived names. */
  readonly account: string;
  readonly region: string;
  /** Aborted on Ctrl-C: waits end early, a call under way is left to finish. */
  readonly signal: AbortSignal;
  /** Tells the user what the step in hand is waiting for, e.g. `i-0abc is pending`. */
  readonly note: (text: string) => void;
  /** Shortens all waits, for tests against emulators. Absent: what suits AWS. */
  readonly timings?: PollTimings;
}

const mayWrite = Symbol("may write");

/** What every change of AWS works with. lib/deploy/lease.ts alone hands it out: no lease, no write. */
export interface WriteContext extends ReadContext {
  readonly [mayWrite]: true;
}

/** The same place, with clients that are let through as long as the lease is held. */
export function toWriteContext(ctx: ReadContext, clients: Clients): WriteContext {
  return { ...ctx, clients, [mayWrite]: true };
}

/** Which thing of which stack this is; everything needed to recognise it again in AWS. */
export interface Identity {
  readonly stack: string;
  /** Logical name, unique in the stack: `vpc`, `security-group`. Value of the tag `berth:resource`. */
  readonly name: string;
  /** Raised by one on each replace. Value of the tag `berth:generation`. */
  readonly generation: number;
  /** Lineage of the state document: part of client tokens, so that a stack deleted and made again is a new one. */
  readonly lineage: string;
  /** All tags the resource shall carry: the user's, and Berth's ownership tags laid over them. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What AWS says about one resource. `id` is what removes and describes it: an id, or a name where AWS has no id. */
export interface Observed {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Difference {
  /** Path of the field, as a user would name it: `ingress[tcp/80 from 0.0.0.0/0]`. */
  readonly field: string;
  readonly desired: string;
  readonly observed: string;
  /** `update` in place, or `replace` by a new one of the next generation. */
  readonly action: "update" | "replace";
  /** Why a replace is needed, when it is: `AWS can't move an instance to another subnet`. */
  readonly reason?: string;
}

export interface Change<Desired, Found extends Observed> {
  readonly identity: Identity;
  readonly desired: Desired;
  readonly observed: Found;
  readonly differences: readonly Difference[];
}

/** A resource as the census sees it: found by ownership tags or derived name alone, without any state. */
export interface Listed {
  readonly id: string;
  /** Logical name from `berth:resource`. */
  readonly name: string;
  readonly generation: number;
}

/**
 * All knowledge of one kind of AWS resource.
 *
 * Obligations:
 * - nothing here keeps state; every function may be called again at any time, in any process
 * - errors of AWS leave as they came; "not found" is an answer, never an error
 * - a resource that Berth doesn't own (no or foreign `berth:stack` tag) is never changed: `find` throws `ForeignResource`
 */
export interface Resource<Desired, Found extends Observed> {
  /** Kebab-case noun, equal to the file's name. */
  readonly kind: string;

  /**
   * The resource by recorded id, else by ownership tags (stack, resource, generation) or derived name. Never writes.
   * A terminated or deleting resource counts as absent. Two matches throw `AmbiguousResource`.
   */
  find(ctx: ReadContext, identity: Identity, known?: string): Promise<Found | undefined>;

  /** ONE create call with the tags (and a ClientToken where AWS has one) inside it. Returns the id; throws `LostReply` where that is unknown. */
  create(ctx: WriteContext, identity: Identity, desired: Desired): Promise<string>;

  /** Pure. Empty when there is nothing to do. Tags that the user added by hand are no difference. */
  differences(identity: Identity, desired: Desired, observed: Found): Difference[];

  /** Makes the `update` differences true. Every step is idempotent alone. */
  update(ctx: WriteContext, change: Change<Desired, Found>): Promise<void>;

  /** "Already gone" is success. Returns when the resource is no longer listed; retries what AWS refuses for a while. */
  remove(ctx: WriteContext, id: string): Promise<void>;

  /** Everything of this kind that carries the stack's ownership tag, in any generation. Never writes. */
  list(ctx: ReadContext, stack: string): Promise<Listed[]>;
}
