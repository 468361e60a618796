import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { stateKey } from "../../state/store.ts";
import type { Bench } from "../crash/bench.ts";
import { losses } from "../drift/losses.ts";
import { changes, type Stranger } from "../drift/rows.ts";
import { openStranger } from "./look.ts";
import type { Damage, LostState } from "./operations.ts";
import { run, type Ran } from "./run.ts";

/** How damage is reported, and how a user deals with it. */
export interface Scene {
  readonly bench: Bench;
  /** The command that encounters the damage. */
  readonly command: "up" | "down";
  /** Has a run looked at that must end with this exit code. */
  readonly expect: (ran: Ran, exitCode: number) => Ran;
}

/** Does the damage, and repairs what no command goes on with: a document that can't be read. */
export async function doDamage(scene: Scene, damage: Damage): Promise<void> {
  const stranger = await openStranger(scene.bench);
  if (damage.kind === "state") return loseState(scene, stranger, damage);
  const rows = damage.kind === "loss" ? [losses[damage.row]] : damage.rows.map((row) => changes[row]);
  for (const row of rows) await row?.act(stranger);
}

async function loseState(scene: Scene, { s3, id }: Stranger, lost: LostState): Promise<void> {
  const { how, wayBack, back } = lost;
  const at = { Bucket: id("bucket"), Key: stateKey };
  if (how === "older") return restore(scene, back);
  if (how === "deleted") {
    await s3.send(new DeleteObjectCommand(at));
    return;
  }
  await s3.send(new PutObjectCommand({ ...at, Body: '{"version":1,"lineage":"' }));
  await expectRefusal(scene);
  if (wayBack === "restore") return restore(scene, 0);
  scene.expect(await run(scene.bench, scene.bench.order("state", "rebuild")), 0);
}

/** The command must report what is wrong, and change nothing. */
async function expectRefusal({ bench, command, expect }: Scene): Promise<void> {
  const before = bench.aws.calls.length;
  const ran = expect(await run(bench, bench.order(command)), 1);
  const writes = bench.aws.calls.slice(before).filter(({ kind }) => kind === "write");
  if (writes.length > 0) throw new Error(`${writes.length} writes by a ${command} without a readable state`);
  if (!ran.lines.some((line) => line.includes('"code":"StateDamaged"')))
    throw new Error(`${command} didn't say that the state is damaged:\n${ran.lines.join("\n")}`);
}

/** Repairs as a user would: reads the history, and chooses an intact version. */
async function restore({ bench, expect }: Scene, back: number): Promise<void> {
  const listed = expect(await run(bench, bench.order("state", "history")), 0);
  const whole = versionsIn(listed).filter(({ serial, removed }) => serial !== undefined && !removed);
  const version = whole[Math.min(back, whole.length - 1)];
  if (version === undefined) throw new Error("the history holds no version to go back to");
  expect(await run(bench, bench.order("state", "restore", "--version", version.id)), 0);
}

interface Version {
  readonly id: string;
  readonly serial?: number;
  readonly removed: boolean;
}

function versionsIn({ lines }: Ran): readonly Version[] {
  for (const line of lines) {
    const event: { event: string; versions: Version[] } = JSON.parse(line);
    if (event.event === "history") return event.versions;
  }
  throw new Error("state history told no versions");
}
