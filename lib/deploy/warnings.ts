import { privateText } from "../docker/private-names.ts";
import { findOtherRegions } from "../resources/identity/role.ts";
import type { Session } from "../command/session.ts";
import type { Reading } from "./reading.ts";
import { workTreeText } from "./work-tree.ts";

/** Tells what is about to be deployed, and warns, before anything is changed. Each line appears once per command. */
export async function warnBefore(session: Session, reading: Reading): Promise<void> {
  if (reading.workTree !== undefined) session.report.message(workTreeText(reading.workTree));
  warnOfPrivate(session, reading);
  await warnOfOtherRegions(session, reading);
}

/** Warns of private files in the source: everybody who gets the image can read them. */
function warnOfPrivate({ report }: Session, { source }: Reading): void {
  const warning = privateText(source.folder, source.privatePaths);
  if (warning !== undefined) report.message(warning);
}

/** Warns before a new stack is created: after a mistaken change of region it would be a second stack beside the running one. */
async function warnOfOtherRegions(
  { config, ctx, report }: Session,
  { plan, document, parts }: Reading,
): Promise<void> {
  const isFirst =
    document.serial === 0 &&
    plan.steps.some(({ name, action }) => name === parts.vpc.name && action === "create");
  if (!isFirst) return;
  const others = await findOtherRegions(ctx, config.stack);
  if (others.length === 0) return;
  report.message(
    `a stack of the name ${config.stack} is in ${others.join(", ")} already; this one in ${config.region} is another, and costs as much again`,
  );
}
