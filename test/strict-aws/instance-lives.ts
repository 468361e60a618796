import type { Element } from "./xml.ts";

/** What an instance holds in its network. */
export interface Hold {
  readonly instanceId: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly groupIds: readonly string[];
  readonly isPublic: boolean;
  /** The instance's network interfaces, as DescribeNetworkInterfaces listed them. */
  readonly interfaces: readonly Element[];
}

export interface Pace {
  /** How many reads show a transitional state (`pending`, `shutting-down`) before the next one. */
  readonly polls: number;
  /** For how many refusals after `terminated` the network interface still holds its group and subnet. */
  readonly lingerPolls: number;
}

interface Life {
  /** Shown while `left` is greater than 0. */
  readonly passing: string;
  left: number;
  readonly hold?: Hold;
  lingering: number;
}

/**
 * Delays state changes that the emulator makes at once and AWS makes gradually. Time is counted in reads, so that
 * nothing depends on a clock.
 */
export class InstanceLives {
  readonly #lives = new Map<string, Life>();
  readonly #pace: Pace;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** Starts the instance's transition to another state. */
  begin(id: string, passing: string, hold?: Hold): void {
    const { polls, lingerPolls } = this.#pace;
    const ending = hold === undefined ? { lingering: 0 } : { hold, lingering: lingerPolls };
    this.#lives.set(id, { passing, left: polls, ...ending });
  }

  isEnding(id: string): boolean {
    return this.#lives.get(id)?.hold !== undefined;
  }

  /** The state that this read shows in place of the real one, if any. */
  look(id: string): string | undefined {
    const life = this.#lives.get(id);
    if (life === undefined || life.left === 0) return undefined;
    life.left -= 1;
    return life.passing;
  }

  /** The same without counting as a read. */
  peek(id: string): string | undefined {
    const life = this.#lives.get(id);
    return life === undefined || life.left === 0 ? undefined : life.passing;
  }

  /** What terminated instances still hold. Call `refuse` when a call was refused because of one. */
  get holds(): readonly Hold[] {
    return [...this.#lives.values()].flatMap(({ hold, left, lingering }) =>
      hold !== undefined && left + lingering > 0 ? [hold] : [],
    );
  }

  /** A refusal counts as a read, so a caller that only retries also gets to the end. */
  refuse({ instanceId }: Hold): void {
    const life = this.#lives.get(instanceId);
    if (life === undefined) return;
    if (life.left > 0) life.left -= 1;
    else life.lingering -= 1;
  }
}
