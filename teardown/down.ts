import { findAccountAlias } from "../lib/aws/account-alias.ts";
import { explainAwsError } from "../lib/aws/explanation.ts";
import { type Outcome, runCommand } from "../lib/command/command.ts";
import { confirm } from "../lib/deploy/confirmation.ts";
import { openJournal } from "../lib/deploy/converging.ts";
import { findHostedZones } from "../lib/deploy/reading.ts";
import { type Held, withLease, writeWithoutBucket } from "../lib/deploy/lease.ts";
import { destroy } from "../lib/engine/destroy.ts";
import type { Named } from "../lib/engine/owned.ts";
import { exitCodes } from "../lib/errors.ts";
import { accountText, type Place, placeRows, rowText } from "../lib/report/head-lines.ts";
import { findOtherRegions } from "../lib/resources/identity/role.ts";
import type { Session } from "../lib/command/session.ts";
import { declareStack, type StackDeclaration } from "../lib/stack.ts";
import { removeState } from "../state/removal.ts";
import { forgetRescued } from "../state/rescue.ts";
import { type Census, censusLines, takeCensus } from "./census.ts";
import { type DataFate, decideFate, removeKept, showDoomed, withFate } from "./data.ts";
import { writeReceipt } from "./receipt.ts";
import { removeStateBucket } from "./state-bucket.ts";
import { findTargets, namedOf, targetLines } from "./targets.ts";

async function down(session: Session): Promise<Outcome> {
  const { config, ctx, report } = session;
  const zones = await findHostedZones(session);
  const declarations = declareStack({ config, account: ctx.account, zones });
  const [{ targets }, accountAlias] = await Promise.all([
    findTargets(session, declarations),
    findAccountAlias(ctx.clients),
  ]);
  const place = placeOf(session, accountAlias);
  if (targets.length === 0) {
    await forgetState(session);
    const outcome = session.flags.deleteData && (await deleteKept(session)) ? "done" : "unchanged";
    report.message(await nothingThere(session, place));
    return tell(session, await takeCensus(session, declarations), outcome);
  }
  report.announce("removal", { ...place, targets: targets.map(namedOf) }, [
    ...placeRows(place).map(rowText),
    ...targetLines(targets),
  ]);
  const data = await decideFate(session, targets);
  if (data === "delete") await showDoomed(session);
  await confirm(session, `Remove all of it? Type the stack's name (${config.stack}):`, config.stack);
  await removeAll(session, withFate(declarations, session, data), { shown: targets, data });
  const census = await takeCensus(session, declarations);
  report.message(`receipt: ${await writeReceipt(session, { targets, census, data })}`);
  return tell(session, census, "done");
}

/** Deletes what is kept of a stack that is gone, if the user agrees. Returns whether there was anything. */
async function deleteKept(session: Session): Promise<boolean> {
  if ((await showDoomed(session)) === 0) return false;
  const { stack } = session.config;
  await confirm(session, `Delete all of them? Type the stack's name (${stack}):`, stack);
  await removeKept(session, writeWithoutBucket(session));
  return true;
}

/** Where the stack is removed, as a user should see it before they agree. */
const placeOf = ({ config, ctx, caller, endpoints }: Session, accountAlias: string | undefined): Place => ({
  account: ctx.account,
  ...(accountAlias === undefined ? {} : { accountAlias }),
  isLocal: endpoints !== undefined,
  caller,
  region: config.region,
  stack: config.stack,
});

/** Says that nothing is deployed. Names other regions with this stack, because the region in berth.yaml may be a mistake. */
async function nothingThere({ config, ctx }: Session, place: Place): Promise<string> {
  const { stack, region } = config;
  const others = await findOtherRegions(ctx, stack);
  const nothing = `${stack} is not deployed in ${region} of account ${accountText(place)}: nothing of it is there`;
  if (others.length === 0) return nothing;
  return `${nothing}. A stack of that name is in ${others.join(", ")}; to remove that one, set region to it and run down again`;
}

interface Decided {
  /** The resources that the user was shown. */
  readonly shown: readonly Named[];
  readonly data: DataFate;
}

/** Removes everything under the lease. The bucket is removed last, because it contains the lease. */
async function removeAll(
  session: Session,
  declarations: readonly StackDeclaration[],
  { shown, data }: Decided,
): Promise<void> {
  const { config, report: progress, store, rescueFile } = session;
  const by = { progress, explain: explainAwsError };
  const isBucket = ({ kind }: { readonly kind: string }) => kind === "bucket";
  const bucket = declarations.filter(isBucket);
  const others = declarations.filter((declaration) => !isBucket(declaration));
  const canLease = config.state.backend === "file" || shown.some(isBucket);
  if (!canLease) {
    const { targets } = await findTargets(session, others);
    await destroy({ ...by, ctx: writeWithoutBucket(session), declarations: others, targets });
    if (data === "delete") await removeKept(session, writeWithoutBucket(session));
    return;
  }
  await withLease(session, "down", async (held) => {
    const { targets, reading } = await findTargets(session, declarations);
    const journal = reading && openJournal(session, reading);
    const on = { ...by, ctx: held.writeContext(journal), targets };
    await destroy({ ...on, declarations: others, journal });
    if (data === "delete") await removeKept(session, held.writeContext(journal));
    if ((await takeCensus(session, others)).left.length > 0) return;
    await destroy({
      ...on,
      declarations: bucket.map((declaration) => underLease(session, declaration, held)),
    });
    if (config.state.backend === "file") await removeState(store);
    await forgetRescued(rescueFile);
  });
}

/** Replaces the declaration's `remove`, so that `removeStateBucket` removes the bucket that contains the lease. */
function underLease(session: Session, declaration: StackDeclaration, held: Held): StackDeclaration {
  const { config, names } = session;
  const holdsLease = (id: string) => config.state.backend === "s3" && id === names.bucket;
  const remove: StackDeclaration["remove"] = (ctx, id) =>
    holdsLease(id) ? removeStateBucket(session, held, { ctx, id }) : declaration.remove(ctx, id);
  return { ...declaration, remove };
}

/** Removes the state document from a folder, which outlives its stack. A state bucket is already gone with the stack. */
async function forgetState(session: Session): Promise<void> {
  const { config, state, store } = session;
  if (config.state.backend === "s3" || (await state.load()) === undefined) return;
  await withLease(session, "down", () => removeState(store));
}

function tell({ report, config }: Session, census: Census, outcome: "done" | "unchanged"): Outcome {
  report.data("census", census, censusLines(census, config.region));
  const { left } = census;
  return left.length === 0
    ? { outcome, exitCode: exitCodes.done, left }
    : { outcome: "left-behind", exitCode: exitCodes.leftBehind, left };
}

await runCommand({
  name: "down",
  summary: "takes everything of the stack away, and proves it",
  usesSource: false,
  examples: [
    ["berth down", "asks for the stack's name first"],
    ["berth down --local", "on the embedded AWS"],
    ["berth down --keep-data --yes", "asks nothing; keeps the data as a snapshot"],
  ],
  help: [
    "Finds what there is by ownership tags; a state document helps, but isn't needed.",
    "Keeps a receipt in .berth/receipts/.",
    "Exit codes: 0 nothing left, 1 failed, 3 bad input, 4 lease held, 6 something is left, 130 interrupted.",
  ],
  run: down,
});
