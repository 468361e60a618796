import type { Bench } from "../crash/bench.ts";
import type { Holding } from "../crash/holding.ts";
import { takeInventory } from "../crash/inventory.ts";
import { type Findings, isGood } from "../crash/trial.ts";
import { doDamage, type Scene } from "./damage.ts";
import { lookAtNothing, lookAtStack } from "./look.ts";
import type { Damage, Down, Operation, Trouble } from "./operations.ts";
import { run, type Ran } from "./run.ts";
import { appOf, firstWishes, settingsOf, spellOut, type Wished, type Wishes } from "./wishes.ts";

/** The observed state after an operation isn't the desired one. */
export class NotConverged extends Error {
  readonly findings: Findings;

  constructor(findings: Findings) {
    super([...findings.orphans, ...findings.duplicates, ...findings.troubles].join("\n"));
    this.findings = findings;
  }
}

/** One stack from its first `up` to its last `down`. */
export class Life {
  readonly #bench: Bench;
  #wishes: Wishes = firstWishes;
  /** The resources of a stack that came up undisturbed. */
  #whole: readonly Holding[] = [];
  #ran: Ran[] = [];

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** The runs of the last operation, in order. */
  get ran(): readonly Ran[] {
    return this.#ran;
  }

  async begin(): Promise<void> {
    await this.#wish(firstWishes);
    await this.#up();
    this.#whole = await takeInventory(this.#bench.bare);
    await this.#look();
  }

  /** @throws NotConverged, or the error that kept a command from doing its work. */
  async perform(operation: Operation): Promise<void> {
    this.#ran = [];
    if (operation.command === "look") await this.#read(operation.trouble);
    else if (operation.command === "down") await this.#goAndCome(operation);
    else {
      const { wish, damage, trouble } = operation;
      if (damage !== undefined) await this.#suffer("up", damage);
      if (wish !== undefined) await this.#wish({ ...this.#wishes, [wish.setting]: wish.choice });
      await this.#up(trouble);
    }
    await this.#look();
  }

  async end(): Promise<void> {
    this.#ran = [];
    this.#expectEmptyCensus(this.#expect(await this.#run("down"), 0));
    this.#require(await lookAtNothing(this.#bench));
  }

  async #goAndCome({ damage, trouble, isFinished, afterwards }: Down): Promise<void> {
    if (damage !== undefined) await this.#suffer("down", damage);
    const ran = await this.#run("down", trouble);
    if (ran.disturbance === undefined) this.#expect(ran, 0);
    if (ran.disturbance === undefined || isFinished) {
      const last = ran.disturbance === undefined ? ran : this.#expect(await this.#run("down"), 0);
      this.#expectEmptyCensus(last);
      this.#require(await lookAtNothing(this.#bench));
    }
    await this.#up(afterwards);
  }

  async #read(trouble: Trouble): Promise<void> {
    const { aws } = this.#bench;
    const before = aws.calls.length;
    for (const command of ["plan", "status"] as const) this.#expect(await this.#run(command, trouble), 0);
    const writes = aws.calls.slice(before).filter(({ kind }) => kind === "write");
    if (writes.length > 0) throw new Error(`plan and status made ${writes.length} writes`);
  }

  async #up(trouble?: Trouble): Promise<void> {
    const ran = await this.#run("up", trouble);
    if (ran.exitCode === 0) return;
    if (ran.disturbance === undefined) this.#expect(ran, 0);
    else this.#expect(await this.#run("up"), 0);
  }

  async #wish(wishes: Wishes): Promise<void> {
    this.#wishes = wishes;
    await this.#bench.writeApp(appOf(this.#wished));
    await this.#bench.configure(settingsOf(this.#wished));
  }

  get #wished(): Wished {
    return spellOut(this.#wishes);
  }

  async #suffer(command: Scene["command"], damage: Damage): Promise<void> {
    const note = (ran: Ran) => void this.#ran.push(ran);
    const expect = (ran: Ran, exitCode: number) => {
      note(ran);
      return this.#expect(ran, exitCode);
    };
    await doDamage({ bench: this.#bench, command, expect }, damage);
  }

  async #look(): Promise<void> {
    this.#expect(await this.#run("plan"), 0);
    this.#require(await lookAtStack(this.#bench, this.#wished, this.#whole));
  }

  #require(findings: Findings): void {
    if (!isGood(findings)) throw new NotConverged(findings);
  }

  async #run(command: "up" | "down" | "plan" | "status", trouble?: Trouble): Promise<Ran> {
    const ran = await run(this.#bench, this.#bench.order(command), trouble);
    this.#ran.push(ran);
    return ran;
  }

  #expect(ran: Ran, exitCode: number): Ran {
    if (ran.exitCode === exitCode) return ran;
    throw new Error(`${ran.command} ended with ${ran.exitCode ?? "no exit code"} instead of ${exitCode}`);
  }

  #expectEmptyCensus({ lines }: Ran): void {
    const census = lines.find((line) => line.startsWith('{"event":"census"'));
    const { left }: { left?: unknown[] } = JSON.parse(census ?? "{}");
    if (left?.length !== 0) throw new Error(`the census of down: ${census ?? "none"}`);
  }
}
