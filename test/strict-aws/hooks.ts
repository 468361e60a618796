import type { AwsRequest } from "./request.ts";
import type { Reply } from "./reply.ts";

/**
 * How far a call has come. `arrived`: it has had no effect yet. `decided`: it has had its effect (or was refused), and
 * the reply is held back. `answered`: the reply has been sent.
 */
export interface Point {
  readonly stage: "arrived" | "decided" | "answered";
  readonly call: Pick<AwsRequest, "number" | "service" | "operation" | "kind" | "region" | "url" | "body">;
  /** HTTP status of the reply; absent before it is known. */
  readonly status?: number;
}

/** Returns `cut` to have the connection cut at this point. */
export type Hook = (point: Point) => Promise<"cut" | void> | "cut" | void;

/**
 * The hooks that are called at each point. While a hook runs, no other call is passed on to the emulators, so nothing
 * changes that the hook observes or kills.
 */
export class Hooks {
  readonly #hooks = new Set<Hook>();
  #busy: Promise<unknown> = Promise.resolve();

  add(hook: Hook): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  clear(): void {
    this.#hooks.clear();
  }

  /** True when the connection is to be cut. */
  async reach(stage: Point["stage"], request: AwsRequest, reply?: Reply): Promise<boolean> {
    if (this.#hooks.size === 0) return false;
    const { number, service, operation, kind, region, url, body } = request;
    const call = { number, service, operation, kind, region, url, body };
    const point: Point = { stage, call, ...(reply === undefined ? {} : { status: reply.status }) };
    const told = this.#busy.then(() => this.#tell(point));
    this.#busy = told.catch(() => undefined);
    return told;
  }

  /** Waits until no hook is running. */
  async quiet(): Promise<void> {
    let seen: unknown;
    while (seen !== this.#busy) {
      seen = this.#busy;
      await seen;
    }
  }

  async #tell(point: Point): Promise<boolean> {
    let isCut = false;
    for (const hook of this.#hooks) isCut = (await hook(point)) === "cut" || isCut;
    return isCut;
  }
}
