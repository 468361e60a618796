import type { Readable } from "node:stream";
import { BerthError } from "../../errors.ts";
import { moduleArguments } from "../build-arguments.ts";
import { buildFailed } from "../build-failure.ts";
import { commonOptions, type PreparedBuild } from "../build-request.ts";
import { factsOf, readRecords, recordedError } from "../records.ts";
import { explain } from "./explanation.ts";
import { fileSync } from "./file-sync.ts";
import { secretsOf } from "./secrets.ts";
import { type BuildSession, dial, openSession } from "./session.ts";
import { foldersOf } from "./sent-folders.ts";
import { BuildTrace } from "./trace.ts";

/** Builds and returns the image's id, or undefined if the engine has no BuildKit. */
export async function buildByBuildKit(request: PreparedBuild): Promise<string | undefined> {
  const { docker, source, secrets, signal } = request;
  let unsent: unknown;
  const { folders, dockerfile } = foldersOf(source);
  const methods = [fileSync(folders, (error) => (unsent ??= error)), secretsOf(secrets)];
  await using session = await openSession(docker, methods);
  if (session === undefined) return undefined;
  const trace = new BuildTrace();
  try {
    return await follow(request, trace, await start(request, session, dockerfile));
  } catch (error) {
    signal.throwIfAborted();
    if (unsent instanceof BerthError) throw unsent;
    if (error instanceof BerthError) throw error;
    throw failure(request, trace, error);
  }
}

/** Asks the engine to build from what the session gives it. */
async function start(request: PreparedBuild, session: BuildSession, dockerfile: string): Promise<Readable> {
  const { docker, source, signal } = request;
  const options = {
    ...commonOptions(request),
    version: "2",
    remote: "client-session",
    session: session.id,
    dockerfile,
    buildargs: { ...moduleArguments(source), ...source.buildArgs },
  };
  // dockerode's `buildImage` would open a session of its own, which has no files and no secrets.
  return dial(docker, {
    path: "/build?",
    method: "POST",
    options: { _query: options, _body: {} },
    abortSignal: signal,
    isStream: true,
    statusCodes: { 200: true },
  });
}

async function follow(request: PreparedBuild, trace: BuildTrace, answer: Readable): Promise<string> {
  const { docker, tag, onProgress } = request;
  let imageId: string | undefined;
  for await (const record of readRecords(answer)) {
    if (record.id === "moby.buildkit.trace" && typeof record.aux === "string") {
      for (const line of trace.add(record.aux)) onProgress?.(line);
    }
    const reason = recordedError(record);
    if (reason !== undefined) throw new Error(reason);
    imageId = factsOf(record).ID ?? imageId;
  }
  // An engine that keeps its images in containerd may not say the id.
  return imageId ?? (await docker.getImage(tag).inspect()).Id;
}

function failure(request: PreparedBuild, trace: BuildTrace, cause: unknown): BerthError {
  const reason = cause instanceof Error ? cause.message.trim() : String(cause);
  const failed = trace.failed();
  return buildFailed({
    step: failed?.step,
    output: failed?.output ?? [],
    reason: reason.replace(wrapping, ""),
    hint: trace.hasBegun ? undefined : explain(request.source.recipe, request.engine.version),
    secrets: request.secrets,
    cause,
  });
}

/** What BuildKit's layers put before the reason. */
const wrapping =
  /^(?:failed to solve(?: with frontend \S+)?: |failed to create LLB definition: |rpc error: code = \w+ desc = |failed to load LLB: )+/;
