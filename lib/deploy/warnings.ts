import { privateText } from "../docker/private-names.ts";
import { observedOf } from "../engine/read.ts";
import { invocation } from "../invocation.ts";
import { minuteText, shortCaller } from "../release/figures.ts";
import { maintenanceText } from "../release/maintenance.ts";
import type { PlanWarning } from "../report/shown-plan.ts";
import { findOtherRegions } from "../resources/identity/role.ts";
import type { Session } from "../command/session.ts";
import { findUnconfirmedWarning } from "./alarm-lines.ts";
import { readNames } from "./names.ts";
import type { Reading } from "./reading.ts";
import {
  findClosedWarning,
  findFreePlanWarning,
  findMemoryWarning,
  findNoCertificateWarning,
  findUntestedWarning,
  findUnusedWarning,
} from "./setting-warnings.ts";

type Check = (
  session: Session,
  reading: Reading,
) => PlanWarning | undefined | Promise<PlanWarning | undefined>;

/** Each looks for one thing that a user should know before they agree. They run at once. */
const checks: readonly Check[] = [
  lookAtMaintenance,
  lookAtRollback,
  lookForPrivateFiles,
  lookInOtherRegions,
  ({ config }, { hostMemoryMib: memoryMib }) =>
    findMemoryWarning(config.app, { type: config.instance.type, memoryMib }),
  ({ config }) => findClosedWarning(config),
  ({ config }) => findUnusedWarning(config),
  ({ config }) => findUntestedWarning(config.instance),
  ({ config }) => findNoCertificateWarning(config),
  ({ config }, reading) => findUnconfirmedWarning(config, reading),
  lookAtFreePlan,
  lookForNewerImage,
];

/** What the plan warns of, in the order of the checks. Writes nothing. */
export async function findWarnings(session: Session, reading: Reading): Promise<PlanWarning[]> {
  const address = observedOf(reading.parts.address, reading.observations)?.publicIp;
  const [found, names] = await Promise.all([
    Promise.all(checks.map(async (check) => check(session, reading))),
    readNames(session, reading, address),
  ]);
  return [...found.filter((one) => one !== undefined), ...names.flatMap(({ troubles }) => troubles)];
}

/** Whoever ships something may wait for visitors who don't get to see it. */
function lookAtMaintenance(_session: Session, { parts, observations }: Reading): PlanWarning | undefined {
  const { maintenance } = observedOf(parts.release, observations)?.release ?? {};
  if (maintenance === undefined) return undefined;
  return {
    code: "maintenance-on",
    message: maintenanceText(maintenance),
    hint: `${invocation("maintenance off")} shows the app again`,
  };
}

/** After a rollback, a run that only repairs something else would also ship the source again. */
function lookAtRollback(_session: Session, { plan, parts, observations }: Reading): PlanWarning | undefined {
  const { rolledBack, by = "", at = "" } = observedOf(parts.release, observations)?.release ?? {};
  const ships = plan.steps.some(({ name }) => name === parts.release?.name || name === parts.image?.name);
  if (rolledBack === undefined || !ships) return undefined;
  const { from, to } = rolledBack;
  return {
    code: "rolled-back",
    message: `rolled back from ${from} to ${to} by ${shortCaller(by)} at ${minuteText(at)}; up would ship what the source is now`,
  };
}

/** Private files in the source: everybody who gets the image can read them. */
function lookForPrivateFiles(_session: Session, { source }: Reading): PlanWarning | undefined {
  const message = privateText(source.folder, source.privatePaths);
  if (message === undefined) return undefined;
  return { code: "private-files", message, hint: "a line for each in .dockerignore keeps them out" };
}

function lookAtFreePlan({ config }: Session, reading: Reading): PlanWarning | undefined {
  const { plan, offers, freeTierEligible: type, newerMachineImageId } = reading;
  // AWS was asked about the newest image only, not about one that is pinned.
  const image = newerMachineImageId === undefined ? offers.machineImage.freeTierEligible : undefined;
  return findFreePlanWarning(config.instance, { steps: plan.steps, type, image });
}

/** A new stack beside one of the same name: after a mistaken change of region it would be a second one. */
async function lookInOtherRegions(
  { config, ctx }: Session,
  { plan, document, parts }: Reading,
): Promise<PlanWarning | undefined> {
  const isFirst =
    document.serial === 0 &&
    plan.steps.some(({ name, action }) => name === parts.vpc.name && action === "create");
  if (!isFirst) return undefined;
  const others = await findOtherRegions(ctx, config.stack);
  if (others.length === 0) return undefined;
  return {
    code: "other-region",
    message: `a stack of the name ${config.stack} is in ${others.join(", ")} already; this one in ${config.region} is another, and costs as much again`,
    hint: `to work on that one, set region to ${others[0]}`,
  };
}

/** The host keeps the image that it was launched from: its packages are updated in place. */
function lookForNewerImage({ config }: Session, { newerMachineImageId }: Reading): PlanWarning | undefined {
  if (newerMachineImageId === undefined) return undefined;
  return {
    code: "newer-image",
    message: `there is a newer image of ${config.instance.os}: ${newerMachineImageId}`,
    hint: `${invocation("up")} --upgrade-os replaces the host by one that boots from it`,
  };
}
