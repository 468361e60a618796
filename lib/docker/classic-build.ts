import { BerthError, exitCodes } from "../errors.ts";
import { buildFailed, keptLines, linesOf, shorten } from "./build-failure.ts";
import { moduleArguments, onlyDeclared } from "./build-arguments.ts";
import { commonOptions, isTurnedOff, type PreparedBuild } from "./build-request.ts";
import { buildKitFeatures } from "./dockerfile.ts";
import { type EngineRecord, factsOf, readRecords, recordedError } from "./records.ts";
import { packedDockerfile } from "./source.ts";

/** The classic builder's lines about its own layers and containers. They explain no failure. */
const bookkeeping = /^ ---> |^Removing intermediate container /;

/**
 * Builds on an engine without BuildKit and returns the image's id. Throws `BuildKitNeeded` before the first step if the
 * source takes what only BuildKit has.
 */
export async function buildClassic(request: PreparedBuild): Promise<string> {
  requireClassic(request);
  const { docker, source, signal, onProgress } = request;
  const log = new ClassicLog(request.secrets);
  try {
    const answer = await docker.buildImage(source.pack(), {
      ...commonOptions(request),
      dockerfile: packedDockerfile,
      buildargs: { ...platformArguments(request), ...moduleArguments(source), ...source.buildArgs },
      rm: true,
      forcerm: true,
      abortSignal: signal,
    });
    let imageId: string | undefined;
    for await (const record of readRecords(answer)) {
      const step = log.add(record);
      if (step !== undefined) onProgress?.(step);
      const failure = recordedError(record);
      if (failure !== undefined) throw log.failure(failure);
      imageId = factsOf(record).ID ?? imageId;
    }
    if (imageId === undefined) throw log.failure("The engine ended the build without an image");
    return imageId;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    // The engine refuses a Dockerfile that it can't parse before it sends any record.
    throw log.failure(error instanceof Error ? error.message.trim() : String(error), error);
  }
}

/** Says what BuildKit would be needed for. Without this, the first sign could come after many steps, or not at all. */
function requireClassic({ source, secrets, engine }: PreparedBuild): void {
  const named = [...secrets.keys()].map((id) => `app.build.secrets.${id}`);
  const used = buildKitFeatures(source.recipe).map(({ line, name }) => `line ${line}: ${name}`);
  // Podman answers as Docker's classic builder does, but knows most of it.
  const needs = engine.isDocker ? [...used, ...named] : named;
  const [first] = needs;
  if (first === undefined) return;
  throw new BerthError({
    code: "BuildKitNeeded",
    message: `${source.dockerfile} needs BuildKit (${first}), but the engine ${engine.version} builds with its classic builder`,
    hint: isTurnedOff()
      ? "unset DOCKER_BUILDKIT: 0 chooses the classic builder, which can't do that"
      : "update the engine to Docker 23.0 or newer, or do without what the lines above name",
    detail: needs,
    exitCode: exitCodes.badInput,
  });
}

/** BuildKit sets these by itself. */
function platformArguments({ source, engine }: PreparedBuild): Record<string, string> {
  const [targetOs = "", targetArchitecture = ""] = source.platform.split("/");
  const [os = "", architecture = ""] = engine.platform.split("/");
  return onlyDeclared(source, {
    TARGETPLATFORM: source.platform,
    TARGETOS: targetOs,
    TARGETARCH: targetArchitecture,
    BUILDPLATFORM: engine.platform,
    BUILDOS: os,
    BUILDARCH: architecture,
  });
}

/** Turns the records of a build into short lines, and keeps the last ones for the error when the build fails. */
class ClassicLog {
  readonly #secrets: ReadonlyMap<string, Buffer>;
  readonly #lines: string[] = [];
  #step: string | undefined;

  constructor(secrets: ReadonlyMap<string, Buffer>) {
    this.#secrets = secrets;
  }

  /** The step that this record begins, if it begins one. */
  add({ stream = "" }: EngineRecord): string | undefined {
    this.#lines.push(...linesOf(stream).filter((line) => !bookkeeping.test(line)));
    if (this.#lines.length > keptLines) this.#lines.splice(0, this.#lines.length - keptLines);
    const match = /^Step (\d+\/\d+) : (.*)/.exec(linesOf(stream)[0] ?? "");
    if (!match) return undefined;
    this.#step = shorten(`step ${match[1]} ${match[2]}`);
    return this.#step;
  }

  failure(reason: string, cause?: unknown): BerthError {
    return buildFailed({ step: this.#step, output: this.#lines, reason, secrets: this.#secrets, cause });
  }
}
