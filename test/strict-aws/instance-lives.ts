import type { Element } from "./xml.ts";

/** What an instance takes hold of in its network. */
export interface Hold {
  readonly instanceId: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly groupIds: readonly string[];
  readonly isPublic: boolean;
  /** Its network interfaces, as DescribeNetworkInterfaces told of them. */
  readonly interfaces: readonly Element[];
}

export interface Pace {
  /** How many looks show a state on the way (`pending`, `shutting-down`) before the next one. */
  readonly polls: number;
  /** How many refusals after `terminated` its network interface still holds what it was in. */
  readonly lingerPolls: number;
}

interface Life {
  /** Shown while `left` is more than nothing. */
  readonly passing: string;
  left: number;
  readonly hold?: Hold;
  lingering: number;
}

/** What the emulator does at once and AWS by and by. Time is counted in looks, so that nothing depends on a clock. */
export class InstanceLives {
  readonly #lives = new Map<string, Life>();
  readonly #pace: Pace;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** From now on the instance is on its way to another state. */
  begin(id: string, passing: string, hold?: Hold): void {
    const { polls, lingerPolls } = this.#pace;
    const ending = hold === undefined ? { lingering: 0 } : { hold, lingering: lingerPolls };
    this.#lives.set(id, { passing, left: polls, ...ending });
  }

  isEnding(id: string): boolean {
    return this.#lives.get(id)?.hold !== undefined;
  }

  /** The state that this look shows in place of the real one, if any. */
  look(id: string): string | undefined {
    const life = this.#lives.get(id);
    if (life === undefined || life.left === 0) return undefined;
    life.left -= 1;
    return life.passing;
  }

  /** What terminated instances still hold. To be told of by `refuse` when a call was refused for it. */
  get holds(): readonly Hold[] {
    return [...this.#lives.values()].flatMap(({ hold, left, lingering }) =>
      hold !== undefined && left + lingering > 0 ? [hold] : [],
    );
  }

  /** A refusal is a look too: whoever only tries again gets there as well. */
  refuse({ instanceId }: Hold): void {
    const life = this.#lives.get(instanceId);
    if (life === undefined) return;
    if (life.left > 0) life.left -= 1;
    else life.lingering -= 1;
  }
}
