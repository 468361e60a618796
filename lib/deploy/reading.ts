import { newDocument, type StateDocument } from "../../state/document.ts";
import { catchUp, rebuildDocument } from "../../state/rebuild.ts";
import { loadState } from "../../state/rescue.ts";
import { type HostedZone, listHostedZones } from "../aws/hosted-zones.ts";
import { consoleTail } from "../aws/console.ts";
import { connectDocker } from "../docker/connection.ts";
import { openSource, type Source, type SourceOptions } from "../docker/source.ts";
import { supersedeUndeclared } from "../engine/superseded.ts";
import { findRecorded, listAll } from "../engine/owned.ts";
import { differences, type Plan } from "../engine/plan.ts";
import { type Observations, observedOf, readAll } from "../engine/read.ts";
import { lookUntil } from "../poll.ts";
import { packAgent } from "../host/bundle.ts";
import { agentResource } from "../resources/delivery/agent.ts";
import { imageResource } from "../resources/delivery/image.ts";
import { httpsResource } from "../resources/delivery/https.ts";
import { listDataVolumes, type ObservedDataVolume } from "../resources/storage/data-volume.ts";
import { releaseResource } from "../resources/delivery/release.ts";
import type { Session } from "../command/session.ts";
import { type App, declareParts, type Offers, type StackParts, type StackDeclaration } from "../stack.ts";
import { lookupOffers } from "./offers.ts";
import { lookAtWorkTree, type WorkTree } from "./work-tree.ts";

export interface Recorded {
  readonly document: StateDocument;
  /** Absent if there is no state document yet, or if it was lost and rebuilt from tags. */
  readonly etag?: string | undefined;
  /** True if the document includes changes that an earlier run could not save. */
  readonly wasKept?: boolean;
}

/** Everything known before a change: the state document, what AWS says, and how that differs from the declarations. */
export interface Reading extends Recorded {
  readonly declarations: readonly StackDeclaration[];
  readonly parts: StackParts;
  /** The account's public hosted zones; none without a domain. */
  readonly zones: readonly HostedZone[];
  readonly observations: Observations<Offers>;
  /** The machine image in here is the pinned one, or the newest if none is pinned. */
  readonly offers: Offers;
  readonly plan: Plan;
  readonly source: Source;
  /** Absent if the source folder lies in no Git work tree. */
  readonly workTree: WorkTree | undefined;
  /** The data volume, if there is one. */
  readonly dataVolume: ObservedDataVolume | undefined;
  /** Data volumes of the stack, if the configuration has none. */
  readonly undeclaredVolumes: readonly ObservedDataVolume[];
  /** All Availability Zones that offer the instance type, wherever the data volume is. */
  readonly zonesOfType: readonly string[];
  readonly freeTierEligible: boolean;
  /** The memory of the configured instance type. */
  readonly hostMemoryMib: number;
  /** The newest machine image that AWS offers, if it isn't the pinned one. */
  readonly newerMachineImageId: string | undefined;
}

export interface ReadingOptions {
  /** See `ReadOptions.patienceMs`. Only worth its time if the command creates resources next. */
  readonly patienceMs?: number;
  /** See `StackInputs.restoredFrom`. */
  readonly restoredFrom?: string | undefined;
  /** Whether an earlier run was cut off, which may have saved a document that S3 doesn't show yet: see `loadLate`. */
  readonly expectsDocument?: boolean;
}

/** Reads the state document and every resource in AWS, in parallel, and compares. Writes nothing. */
export async function readStack(session: Session, options: ReadingOptions = {}): Promise<Reading> {
  const offered = lookupOffers(session);
  // A rejection before anything awaits this promise must not count as unhandled. The first `await` still throws it.
  offered.catch(() => {});
  const { config, ctx } = session;
  const [loaded, source, workTree, hostedZones] = await Promise.all([
    options.expectsDocument === true ? loadLate(session) : loadState(session),
    openSource(sourceOptions(session)),
    lookAtWorkTree(config.app.source, ownFolders(session)),
    findHostedZones(session),
  ]);
  const origin = { commit: workTree?.commit, isClean: workTree && workTree.changed.length === 0 };
  const app = { ...openApp(session, source), ...origin };
  const parts = declareParts({
    config,
    account: ctx.account,
    app,
    restoredFrom: options.restoredFrom,
    zones: hostedZones,
  });
  const { declarations } = parts;
  const [{ document, observations }, { machineImage, zones, instanceType, secrets }, undeclaredVolumes] =
    await Promise.all([
      readResources(session, { ...options, declarations, recorded: loaded?.document }),
      offered,
      parts.dataVolume === undefined ? listDataVolumes(ctx, config.stack) : [],
    ]);
  const newest = machineImage.imageId;
  const { upgradeOs: isUpgrade } = session.flags;
  const imageId = isUpgrade ? newest : (document.pins[session.imagePin] ?? newest);
  const dataVolume = observedOf(parts.dataVolume, observations);
  // The host has to be where its data is.
  const near = dataVolume === undefined ? zones : [dataVolume.zone];
  const offers = { machineImage: { ...machineImage, imageId, isUpgrade }, zones: near, secrets };
  return {
    declarations,
    parts,
    zones: hostedZones,
    observations,
    offers,
    plan: differences({ declarations, observations, document, inputs: offers }),
    document,
    etag: loaded?.etag,
    wasKept: loaded !== undefined && "wasKept" in loaded,
    source,
    workTree,
    dataVolume,
    undeclaredVolumes,
    zonesOfType: zones,
    freeTierEligible: instanceType.freeTierEligible,
    hostMemoryMib: instanceType.memoryMib,
    newerMachineImageId: imageId === newest ? undefined : newest,
  };
}

const lateForMs = 15_000;

/**
 * A bucket whose versioning was just switched on may hide a new object for a while. Whoever took the first document for
 * absent couldn't save its own.
 */
async function loadLate(session: Session): ReturnType<typeof loadState> {
  let found: Awaited<ReturnType<typeof loadState>>;
  const look = async () => {
    found = await loadState(session);
    // What was kept on this computer has no ETag.
    return found?.etag === undefined
      ? { waiting: "looking for what the run before has saved" }
      : { done: true };
  };
  await lookUntil(session.ctx, { what: "the state document", timeoutMs: lateForMs, look });
  return found;
}

/** The zones that a domain may belong to. Without a domain, nothing is asked. */
export async function findHostedZones({ config, ctx }: Session): Promise<readonly HostedZone[]> {
  return config.domain.length === 0 ? [] : listHostedZones(ctx.clients);
}

/** What Berth writes to by itself, and which is thus never source. */
function ownFolders({ config, directory }: Session): string[] {
  return config.state.backend === "file" ? [directory, config.state.path] : [directory];
}

function sourceOptions(session: Session): SourceOptions {
  const { source, dockerfile, build } = session.config.app;
  return {
    source,
    dockerfile,
    buildArgs: build.args,
    target: build.target,
    secrets: build.secrets,
    withheld: ownFolders(session),
  };
}

interface ResourcesOptions extends ReadingOptions {
  readonly declarations: readonly StackDeclaration[];
  /** The stored state document; absent if there is none. */
  readonly recorded: StateDocument | undefined;
}

interface Seen {
  readonly document: StateDocument;
  readonly observations: Observations<Offers>;
}

/** Reads the resources. Those that are absent are looked up by tags too, because a restored document may not know newer ones. */
export async function readResources(session: Session, options: ResourcesOptions): Promise<Seen> {
  const { ctx, identify, config } = session;
  const { declarations, recorded, ...rest } = options;
  const reading = { ...rest, declarations, ctx, identify };
  const document = supersedeUndeclared(
    recorded ?? (await documentFromTags(session, declarations)),
    declarations,
  );
  const [observations] = await Promise.all([
    readAll({ ...reading, document }),
    // Superseded resources are removed at the end of the run. If one isn't the stack's, the run doesn't start.
    findRecorded(document.superseded, { ...reading, document }),
  ]);
  if (recorded === undefined) return { document, observations };
  const absent = declarations.filter(
    ({ name, isRetired }) => !isRetired && observations.get(name) === undefined,
  );
  const listed = await listAll(absent, ctx, config.stack);
  const caughtUp = catchUp(document, listed, new Set(absent.map(({ name }) => name)));
  if (caughtUp === document) return { document, observations };
  return { document: caughtUp, observations: await readAll({ ...reading, document: caughtUp }) };
}

/** Rebuilds the state document from the stack's tags. */
async function documentFromTags(
  { ctx, scope }: Session,
  declarations: readonly StackDeclaration[],
): Promise<StateDocument> {
  return rebuildDocument(newDocument(scope), await listAll(declarations, ctx, scope.stack));
}

function openApp({ names, endpoints, caller, phases }: Session, source: Source): App {
  const bundle = packAgent();
  return {
    bundle,
    agent: agentResource({ bucket: names.bucket, bundle, by: caller }),
    https: httpsResource({ bucket: names.bucket, by: caller }),
    imageTag: source.tag,
    image: imageResource({
      docker: connectDocker,
      source,
      repository: names.repository,
      registry: endpoints?.registry,
    }),
    release: releaseResource({
      bucket: names.bucket,
      by: caller,
      patienceMs: 10 * 60_000,
      diagnose: consoleTail,
      phases,
    }),
  };
}
