import type { Target } from "./target.ts";

/** One attempt to do something that must not be possible. */
export interface Attack {
  /** The attacker. `input` is the author of what a command reads: configuration, source folder. */
  readonly from: "visitor" | "app" | "host-role" | "bucket-writer" | "other-user" | "web-page" | "input";
  readonly name: string;
  readonly expected: string;
  /** Returns what was observed: the text of `expected` when the attack failed as it should. */
  readonly attempt: (target: Target) => Promise<string>;
  /** True when the attack disturbs others. It then runs alone, in the order of the table. */
  readonly alone?: boolean;
}

export interface Row extends Omit<Attack, "attempt" | "alone"> {
  readonly seen: string;
  readonly isAsExpected: boolean;
  readonly seconds: number;
}

export interface Trial {
  readonly target: Target;
  readonly attacks: readonly Attack[];
  /** How many attacks run at once. */
  readonly lanes: number;
  readonly onRow?: ((row: Row) => void) | undefined;
  /** No further attack begins once it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Longer than any wait in an attack. */
const hangMs = 300_000;

/** Runs all attacks, the concurrent ones first. Returns the rows in the order of the table. */
export async function tryAll({ target, attacks, lanes, onRow, signal }: Trial): Promise<Row[]> {
  const rows = new Map<Attack, Row>();
  const tryOne = async (attack: Attack) => {
    const row = await tryAttack(target, attack);
    rows.set(attack, row);
    onRow?.(row);
  };
  const waiting = attacks.filter(({ alone }) => alone !== true);
  const work = async () => {
    for (let attack = waiting.shift(); attack !== undefined; attack = waiting.shift())
      if (signal?.aborted !== true) await tryOne(attack);
  };
  await Promise.all(Array.from({ length: lanes }, work));
  for (const attack of attacks) if (attack.alone === true && signal?.aborted !== true) await tryOne(attack);
  return attacks.flatMap((attack) => rows.get(attack) ?? []);
}

async function tryAttack(target: Target, attack: Attack): Promise<Row> {
  const { from, name, expected } = attack;
  const began = performance.now();
  const seen = await within(hangMs, attack.attempt(target)).catch(
    (error: unknown) => `the try itself failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  return {
    from,
    name,
    expected,
    seen,
    isAsExpected: seen === expected,
    seconds: (performance.now() - began) / 1000,
  };
}

async function within(limitMs: number, work: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no end within ${limitMs / 1000} s`), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
