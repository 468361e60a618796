import { privateText } from "../docker/private-names.ts";
import { findOtherRegions } from "../resources/identity/role.ts";
import type { Session } from "../command/session.ts";
import type { Reading } from "./reading.ts";

/** What a user should know before anything is done; each said once a command. */
export async function warnBefore(session: Session, reading: Reading): Promise<void> {
  warnOfPrivate(session, reading);
  await warnOfOtherRegions(session, reading);
}

/** Whatever is built: what lies in an image is for everybody who gets hold of it. */
function warnOfPrivate({ report }: Session, { source }: Reading): void {
  const warning = privateText(source.folder, source.privatePaths);
  if (warning !== undefined) report.message(warning);
}

/** Before a stack is made: a region changed by mistake would make a second one beside the one that serves. */
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
