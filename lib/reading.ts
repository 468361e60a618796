import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { newDocument, type StateDocument } from "../state/document.ts";
import { loadState } from "../state/rescue.ts";
import { openStateStore, type StateStore } from "../state/store.ts";
import { catchUp, rebuildDocument } from "../state/rebuild.ts";
import { consoleTail } from "./aws/console.ts";
import { lookupImage, lookupInstanceType, lookupZones } from "./aws/lookup.ts";
import { resourceTags } from "./aws/tags.ts";
import { BerthError, exitCodes } from "./errors.ts";
import { connectEngine } from "./docker/engine.ts";
import { privateText } from "./docker/private-names.ts";
import { openSource, type Source } from "./docker/source.ts";
import { findRecorded, listAll } from "./engine/owned.ts";
import { differences, type Plan } from "./engine/plan.ts";
import { type Identify, type Observations, readAll } from "./engine/read.ts";
import { imageResource } from "./resources/image.ts";
import { releaseResource } from "./resources/release.ts";
import { findOtherRegions } from "./resources/role.ts";
import type { Session } from "./session.ts";
import { type App, declareStack, type Offers, stackNames, type StackWish } from "./stack.ts";

export interface Recorded {
  readonly document: StateDocument;
  /** Absent when there is no state document yet, or when it was lost and rebuilt from tags. */
  readonly etag?: string | undefined;
  /** Holds what an earlier run could not save. */
  readonly wasKept?: boolean;
}

/** All that is known before anything is done: what was recorded, what AWS says, and what differs from the wishes. */
export interface Reading extends Recorded {
  readonly wishes: readonly StackWish[];
  readonly found: Observations<Offers>;
  /** What a new host is started from is the pinned image, or the newest. */
  readonly offers: Offers;
  readonly plan: Plan;
  readonly source: Source;
  readonly freeTierEligible: boolean;
  /** The newest image that AWS offers, when it isn't the pinned one. */
  readonly newerMachineImageId: string | undefined;
}

export interface ReadingOptions {
  /** See `ReadOptions.patienceMs`; only worth it when something is going to be created next. */
  readonly patienceMs?: number;
}

/** Reads the state document and everything in AWS, several at once, and compares. Writes nothing. */
export async function readStack(session: Session, options: ReadingOptions = {}): Promise<Reading> {
  const offered = askAws(session);
  // Whoever waits for it first reports its failure; until then it isn't unhandled.
  offered.catch(() => {});
  const { config } = session;
  const [loaded, source, commit] = await Promise.all([
    loadState({
      store: stateStoreOf(session),
      belonging: belongingOf(session),
      rescueFile: rescueFileOf(session),
    }),
    openSource({ source: config.app.source, dockerfile: config.app.dockerfile }),
    commitOf(config.app.source),
  ]);
  const app = { ...openApp(session, source), commit };
  const wishes = declareStack({ config, account: session.ctx.account, app });
  const [{ document, found }, { machineImage, zones, instanceType }] = await Promise.all([
    readResources(session, { ...options, wishes, recorded: loaded?.document }),
    offered,
  ]);
  const newest = machineImage.imageId;
  const imageId = document.pins[imagePin(session)] ?? newest;
  const offers = { machineImage: { ...machineImage, imageId }, zones };
  return {
    wishes,
    found,
    offers,
    plan: differences({ wishes, found, document, inputs: offers }),
    document,
    etag: loaded?.etag,
    wasKept: loaded !== undefined && "wasKept" in loaded,
    source,
    freeTierEligible: instanceType.freeTierEligible,
    newerMachineImageId: imageId === newest ? undefined : newest,
  };
}

interface ResourcesOptions extends ReadingOptions {
  readonly wishes: readonly StackWish[];
  /** Absent when none was. */
  readonly recorded: StateDocument | undefined;
}

interface Seen {
  readonly document: StateDocument;
  readonly found: Observations<Offers>;
}

/** What a document that was put back doesn't know of would be made once more. So before anything is, the tags are asked. */
async function readResources(session: Session, options: ResourcesOptions): Promise<Seen> {
  const { wishes, recorded, ...rest } = options;
  const reading = { ...rest, wishes, ctx: session.ctx, identify: identifier(session) };
  const document = recorded ?? (await documentFromTags(session, wishes));
  const [found] = await Promise.all([
    readAll({ ...reading, document }),
    // What is to be removed at the end has to be the stack's, or nothing is begun.
    findRecorded(document.superseded, { ...reading, document }),
  ]);
  if (recorded === undefined) return { document, found };
  const absent = wishes.filter(({ name }) => found.get(name) === undefined);
  const caughtUp = catchUp(document, await listAll(absent, session.ctx, session.config.stack));
  if (caughtUp === document) return { document, found };
  return { document: caughtUp, found: await readAll({ ...reading, document: caughtUp }) };
}

export function stateStoreOf(session: Session): StateStore {
  return openStateStore(session.store, belongingOf(session));
}

export const belongingOf = ({ config, ctx }: Session) => ({
  stack: config.stack,
  account: ctx.account,
  region: ctx.region,
});

/** Said once a command, whatever is built: what lies in an image is for everybody who gets hold of it. */
export function warnOfPrivate({ report }: Session, { source }: Reading): void {
  const warning = privateText(source.folder, source.privatePaths);
  if (warning !== undefined) report.message(warning);
}

/** Where a state document is kept that could not be saved. */
export const rescueFileOf = ({ directory, config }: Session): string =>
  `${directory}/unsaved/${config.stack}-${config.region}.json`;

/** The pin under which the chosen machine image is kept. */
export const imagePin = ({ config }: Session): string => `image.${config.instance.os}`;

/** Ownership tags go over the user's, so that no configuration can claim another stack's things. */
export function identifier({ config }: Session): Identify {
  return (name, generation, { lineage }) => ({
    stack: config.stack,
    name,
    generation,
    lineage,
    tags: resourceTags(
      { stack: config.stack, name, generation },
      { Name: `${config.stack}/${name}`, ...config.tags },
    ),
  });
}

async function askAws({ config, ctx }: Session) {
  const [instanceType, zones] = await Promise.all([
    lookupInstanceType(ctx, config.instance.type),
    lookupZones(ctx, config.instance.type),
  ]);
  if (instanceType.arch !== "x86_64") throw otherArchitecture(config.instance.type, instanceType.arch);
  const machineImage = await lookupImage(ctx, config.instance.os, instanceType.arch);
  return { instanceType, zones, machineImage };
}

function otherArchitecture(type: string, arch: string): BerthError {
  return new BerthError({
    code: "OtherArchitecture",
    message: `${type} is an ${arch} machine; images are built for x86_64`,
    hint: "set instance.type to one such as t3.micro",
    exitCode: exitCodes.badInput,
  });
}

function openApp({ config, ctx, endpoints, caller }: Session, source: Source): App {
  const names = stackNames(config, ctx.account);
  return {
    imageTag: source.tag,
    image: imageResource({
      docker: connectEngine,
      source,
      repository: names.repository,
      registry: endpoints?.registry,
    }),
    release: releaseResource({
      bucket: names.bucket,
      by: caller,
      patienceMs: 10 * 60_000,
      diagnose: consoleTail,
    }),
  };
}

/** Said once, before a stack is made: a region changed by mistake would make a second one beside the one that serves. */
export async function warnOfOtherRegions(
  { config, ctx, report }: Session,
  { plan, document }: Reading,
): Promise<void> {
  const isFirst =
    document.serial === 0 && plan.steps.some(({ name, action }) => name === "vpc" && action === "create");
  if (!isFirst) return;
  const others = await findOtherRegions(ctx, config.stack);
  if (others.length === 0) return;
  report.message(
    `a stack of the name ${config.stack} is in ${others.join(", ")} already; this one in ${config.region} is another, and costs as much again`,
  );
}

/** Without a state document, what carries the stack's tags is what there is. */
async function documentFromTags(session: Session, wishes: readonly StackWish[]): Promise<StateDocument> {
  const listed = await listAll(wishes, session.ctx, session.config.stack);
  return rebuildDocument(newDocument(belongingOf(session)), listed);
}

/** The commit that the source folder is at; undefined outside a repository. */
async function commitOf(folder: string): Promise<string | undefined> {
  const git = promisify(execFile)("git", ["-C", folder, "rev-parse", "HEAD"]);
  return git.then(
    ({ stdout }) => /^[0-9a-f]{40,64}$/.exec(stdout.trim())?.[0],
    () => undefined,
  );
}
