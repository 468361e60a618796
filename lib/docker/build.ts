import { stripVTControlCharacters } from "node:util";
import type Docker from "dockerode";
import { BerthError } from "../errors.ts";
import { isNotFound } from "./engine.ts";
import { readRecords, recordedError } from "./records.ts";
import type { EngineRecord } from "./records.ts";
import { packedDockerfile } from "./source.ts";
import type { Source } from "./source.ts";

interface BuildRequest {
  readonly docker: Docker;
  readonly source: Source;
  /** Name and tag in the local engine. */
  readonly tag: string;
  readonly signal: AbortSignal;
  /** Told one short line as each step begins: `step 3/8 RUN go build`. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

interface BuiltImage {
  readonly imageId: string;
  /** Name and tag in the local engine. */
  readonly localTag: string;
}

const hashLabel = "dev.berth.source";
const keptLines = 20;
/** What the classic builder says of its own layers and containers: nothing that explains a failure. */
const bookkeeping = /^ ---> |^Removing intermediate container /;

/** Under this name the local engine keeps what was built from the source: known by content, shared by all stacks. */
function localTagOf(source: Source): string {
  return `berth-build:${source.tag}`;
}

/** The image of exactly this source in the local engine, if it holds one. */
export async function findBuilt(docker: Docker, source: Source): Promise<BuiltImage | undefined> {
  const localTag = localTagOf(source);
  try {
    const image = await docker.getImage(localTag).inspect();
    const isSame = image.Config.Labels?.[hashLabel] === source.hash;
    return isSame ? { imageId: image.Id, localTag } : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Builds only what the engine doesn't hold yet; touches nothing but the engine. Throws `BuildFailed`. */
export async function ensureBuilt(request: Omit<BuildRequest, "tag">): Promise<BuiltImage> {
  const localTag = localTagOf(request.source);
  return (await findBuilt(request.docker, request.source)) ?? buildImage({ ...request, tag: localTag });
}

/**
 * Builds the source and gives it the tag. Throws `BuildFailed` with the failing step in the message and the last lines
 * of the build as detail; the signal's reason when aborted.
 */
async function buildImage(request: BuildRequest): Promise<BuiltImage> {
  const log = new BuildLog();
  try {
    return await follow(request, log);
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    // A Dockerfile that the engine can't even parse is refused before any record is written.
    throw log.failure(error instanceof Error ? error.message.trim() : String(error), error);
  }
}

async function follow(request: BuildRequest, log: BuildLog): Promise<BuiltImage> {
  const { docker, source, tag, signal, onProgress } = request;
  signal.throwIfAborted();
  const answer = await docker.buildImage(source.pack(), {
    t: tag,
    dockerfile: packedDockerfile,
    platform: source.platform,
    buildargs: buildArguments(source),
    labels: { [hashLabel]: source.hash, "dev.berth.platform": source.platform },
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
    imageId = record.aux?.ID ?? imageId;
  }
  if (imageId === undefined) throw log.failure("The engine ended the build without an image");
  return { imageId, localTag: tag };
}

// The classic builder sets none of the platform arguments that BuildKit sets. Where modules come from is not content, so
// it isn't part of the hash: go.sum says what they must be.
function buildArguments(source: Source): Record<string, string> {
  const [os = "", architecture = ""] = source.platform.split("/");
  const known: Record<string, string | undefined> = {
    TARGETPLATFORM: source.platform,
    TARGETOS: os,
    TARGETARCH: architecture,
    GOPROXY: process.env["GOPROXY"],
    GOSUMDB: process.env["GOSUMDB"],
    GONOSUMDB: process.env["GONOSUMDB"],
    GOPRIVATE: process.env["GOPRIVATE"],
  };
  const declared: Record<string, string> = {};
  for (const [name, value] of Object.entries(known)) {
    if (value && source.declaredArgs.has(name)) declared[name] = value;
  }
  return { ...declared, ...source.buildArgs };
}

/** Folds the records of a build into short lines, and keeps its tail for the day it fails. */
class BuildLog {
  readonly #lines: string[] = [];
  #step = "";

  /** The step that this record begins, if it does. */
  add(record: EngineRecord): string | undefined {
    const text = stripVTControlCharacters(record.stream ?? "");
    this.#lines.push(
      ...text.split(/[\r\n]+/).filter((line) => line.trim() !== "" && !bookkeeping.test(line)),
    );
    if (this.#lines.length > keptLines) this.#lines.splice(0, this.#lines.length - keptLines);
    const match = /^Step (\d+\/\d+) : (.*)/.exec(text);
    if (!match) return undefined;
    this.#step = shorten(`step ${match[1]} ${match[2]}`);
    return this.#step;
  }

  failure(reason: string, cause?: unknown): BerthError {
    return new BerthError({
      code: "BuildFailed",
      message:
        this.#step === ""
          ? "The image could not be built"
          : `The image could not be built: ${this.#step} failed`,
      hint: "nothing in AWS was touched. Correct the app or its Dockerfile and run the command again",
      detail: [...this.#lines, reason].slice(-keptLines),
      cause,
    });
  }
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= 100 ? line : `${line.slice(0, 99)}…`;
}
