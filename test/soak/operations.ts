import { type Fault } from "../strict-aws/faults.ts";
import { type Stage, stages } from "../crash/points.ts";
import { losses } from "../drift/losses.ts";
import { changes } from "../drift/rows.ts";
import { Draw } from "./draw.ts";
import { choices, firstWishes, type Setting, settingNames, type Wishes } from "./wishes.ts";

/** One operation on a stack that is up. After each, the stack is up as berth.yaml declares it. */
export type Operation = Up | Down | Look;

interface Up {
  readonly command: "up";
  readonly wish?: Wish;
  readonly damage?: Damage;
  readonly trouble: Trouble;
}

/** The stack is destroyed and created again. */
export interface Down {
  readonly command: "down";
  readonly damage?: Damage;
  readonly trouble: Trouble;
  /** True when a disturbed `down` is run again. Otherwise `up` starts with what it left. */
  readonly isFinished: boolean;
  /** Of the `up` that follows. */
  readonly afterwards: Trouble;
}

/** Commands that only read. */
interface Look {
  readonly command: "look";
  readonly trouble: Trouble;
}

/** Changes one of the settings. */
interface Wish {
  readonly setting: Setting;
  readonly choice: number;
}

/** Changes that others make outside Berth. */
export type Damage =
  | { readonly kind: "drift"; readonly rows: readonly number[] }
  | { readonly kind: "loss"; readonly row: number }
  | LostState;

export interface LostState {
  readonly kind: "state";
  /** `older`: the user restores an earlier version. */
  readonly how: "deleted" | "truncated" | "older";
  /** Out of a document that can't be read. */
  readonly wayBack: "rebuild" | "restore";
  /** How many versions back. */
  readonly back: number;
}

/** What disturbs a run. */
export type Trouble =
  | { readonly kind: "none" }
  | { readonly kind: "kill"; readonly strikes: readonly Strike[] }
  | { readonly kind: "faults"; readonly part: number; readonly faults: readonly Fault[] }
  | { readonly kind: "outage"; readonly write: number };

/** Where a run is killed: at its n-th call that changes something. */
export interface Strike {
  readonly write: number;
  readonly stage: Stage;
}

/** The same seed gives the same operations. A longer soak begins like a shorter one. */
export function drawOperations(seed: number, count: number): Operation[] {
  const draw = new Draw(seed);
  let wishes = firstWishes;
  return Array.from({ length: count }, () => {
    const operation = drawOperation(draw, wishes);
    if ("wish" in operation) wishes = { ...wishes, [operation.wish.setting]: operation.wish.choice };
    return operation;
  });
}

function drawOperation(draw: Draw, wishes: Wishes): Operation {
  const command = draw.pick(["up", "up", "up", "up", "up", "up", "up", "down", "look"] as const);
  if (command === "look") return { command, trouble: draw.chance(0.7) ? drawFaults(draw) : none };
  if (command === "down") {
    const damage = draw.chance(0.3) ? { damage: drawDamage(draw, ["loss", "state"]) } : {};
    const trouble = drawTrouble(draw, [5, 20, 40]);
    return {
      command,
      ...damage,
      trouble,
      isFinished: draw.chance(0.5),
      afterwards: drawTrouble(draw, [5, 20, 60]),
    };
  }
  const damage = draw.chance(0.6) ? { damage: drawDamage(draw, ["drift", "loss", "state"]) } : {};
  const wish = draw.chance("damage" in damage ? 0.4 : 0.95) ? { wish: drawWish(draw, wishes) } : {};
  return { command, ...wish, ...damage, trouble: drawTrouble(draw, [4, 8, 16]) };
}

/** Another choice than now. */
function drawWish(draw: Draw, wishes: Wishes): Wish {
  const setting = draw.pick(settingNames);
  const others = [...choices[setting].keys()].filter((choice) => choice !== wishes[setting]);
  return { setting, choice: draw.pick(others) };
}

function drawDamage(draw: Draw, kinds: readonly Damage["kind"][]): Damage {
  const kind = draw.pick(kinds);
  if (kind === "loss") return { kind, row: draw.between(0, losses.length - 1) };
  if (kind === "drift") return { kind, rows: draw.some([...changes.keys()], draw.between(1, 3)) };
  return {
    kind,
    how: draw.pick(["deleted", "truncated", "older"]),
    wayBack: draw.pick(["rebuild", "restore"]),
    back: draw.between(1, 12),
  };
}

const none: Trouble = { kind: "none" };

/** `writes`: about how many calls that change something the run makes. Whatever comes later than its end never comes. */
function drawTrouble(draw: Draw, writes: readonly number[]): Trouble {
  const kind = draw.pick(["none", "none", "kill", "kill", "kill", "faults", "faults", "outage"] as const);
  if (kind === "none") return none;
  if (kind === "faults") return drawFaults(draw);
  if (kind === "outage") return { kind, write: draw.between(1, draw.pick(writes)) };
  const times = draw.chance(0.25) ? 2 : 1;
  const strike = () => ({ write: draw.between(1, draw.pick(writes)), stage: draw.pick(stages) });
  return { kind, strikes: Array.from({ length: times }, strike) };
}

/** So few faults that no call encounters six in a row. */
function drawFaults(draw: Draw): Trouble {
  const all: readonly Fault[] = ["throttle", "429", "500", "503", "before", "after"];
  return { kind: "faults", part: draw.pick([0.05, 0.1]), faults: draw.some(all, draw.between(1, 5)) };
}
