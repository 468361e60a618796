import { stripVTControlCharacters } from "node:util";
import type Docker from "dockerode";
import { BerthError } from "../errors.ts";
import { isNotFound } from "./connection.ts";
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
  /** Called with one short line as each step begins: `step 3/8 RUN go build`. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

interface BuiltImage {
  readonly imageId: string;
  /** Name and tag in the local engine. */
  readonly localTag: string;
}

const hashLabel = "dev.berth.source";
const keptLines = 20;
/** The classic builder's lines about its own layers and containers. They explain no failure. */
const bookkeeping = /^ ---> |^Removing intermediate container /;

/** The local engine's name for the image built from this source. It is derived from the content and shared by all stacks. */
function localTagOf(source: Source): string {
  return `berth-build:${source.tag}`;
}

/** The image of exactly this source in the local engine, if there is one. */
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

/** Builds the image unless the engine already has it; changes nothing but the engine. Throws `BuildFailed`. */
export async function ensureBuilt(request: Omit<BuildRequest, "tag">): Promise<BuiltImage> {
  const localTag = localTagOf(request.source);
  return (await findBuilt(request.docker, request.source)) ?? buildImage({ ...request, tag: localTag });
}

/**
 * Builds the source and tags the image. Throws `BuildFailed` with the failing step in the message and the last lines of
 * the build as detail, or the signal's reason when aborted.
 */
async function buildImage(request: BuildRequest): Promise<BuiltImage> {
  const log = new BuildLog();
  try {
    return await follow(request, log);
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    // The engine refuses a Dockerfile that it can't parse before it sends any record.
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

// The classic builder sets none of the platform arguments that BuildKit sets. The source of Go modules isn't part of
// the hash, because go.sum fixes their content.
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

/** Turns the records of a build into short lines, and keeps the last ones for the error when the build fails. */
class BuildLog {
  readonly #lines: string[] = [];
  #step = "";

  /** The step that this record begins, if it begins one. */
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
