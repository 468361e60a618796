/** One resource in the account, whoever created it and whatever tags it has. */
export interface Holding {
  readonly kind: string;
  readonly id: string;
  /** Value of the resource's tag `berth:stack`; undefined when it has none. */
  readonly owner: string | undefined;
  /** The resource's settings without ids, which must be the same after a crash as without one. */
  readonly setup: unknown;
}
