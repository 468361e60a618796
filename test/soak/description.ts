import { stageWords } from "../crash/points.ts";
import { losses } from "../drift/losses.ts";
import { changes } from "../drift/rows.ts";
import type { Damage, Operation, Trouble } from "./operations.ts";
import { choices } from "./wishes.ts";

/** `up after vpc: dns-support changed; killed before write 4` */
export function describeOperation(operation: Operation): string {
  const { command, trouble } = operation;
  if (command === "look") return `plan and status${during(trouble)}`;
  const damage = operation.damage === undefined ? [] : [damageText(operation.damage)];
  const after = (reasons: readonly string[]) =>
    reasons.length === 0 ? "" : ` after ${reasons.join(" and ")}`;
  if (command === "up") {
    const { wish } = operation;
    const wished =
      wish === undefined ? [] : [`${wish.setting} ${JSON.stringify(choices[wish.setting][wish.choice])}`];
    return `up${after([...wished, ...damage])}${during(trouble)}`;
  }
  const again =
    trouble.kind === "none" || trouble.kind === "faults" || !operation.isFinished ? "" : " and again";
  return `down${after(damage)}${during(trouble)}${again}; up${during(operation.afterwards)}`;
}

function damageText(damage: Damage): string {
  if (damage.kind === "loss") return `${losses[damage.row]?.what} was deleted`;
  if (damage.kind === "drift") {
    const rows = damage.rows.map((row) => `${changes[row]?.resource} ${changes[row]?.field}`);
    return `${rows.join(", ")} changed`;
  }
  const { how, wayBack, back } = damage;
  if (how === "deleted") return "the state document was deleted";
  if (how === "older") return `state restore of ${back} versions ago`;
  return `the state document was truncated, and state ${wayBack}`;
}

function during(trouble: Trouble): string {
  if (trouble.kind === "none") return "";
  if (trouble.kind === "outage") return `, S3 out from write ${trouble.write} on`;
  if (trouble.kind === "faults")
    return `, ${trouble.part * 100} % of calls with ${trouble.faults.map(String).join(" or ")}`;
  return trouble.strikes
    .map(({ write, stage }) => `, killed at write ${write} ${stageWords[stage]}`)
    .join("");
}
