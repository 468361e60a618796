/** One thing in the account, whoever made it and whatever tags it has. */
export interface Holding {
  readonly kind: string;
  readonly id: string;
  /** Value of its tag `berth:stack`; absent when it has none. Undefined kinds of tags aren't asked for. */
  readonly owner: string | undefined;
  /** How it is set up, without ids: the same after a crash as without one. */
  readonly setup: unknown;
}
