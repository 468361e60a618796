import type Docker from "dockerode";
import { BerthError } from "../errors.ts";
import { factsOf, readRecords, recordedError } from "./records.ts";
import { TransferProgress } from "./transfer-progress.ts";

export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  /** `host` or `host:port`. */
  readonly serverAddress: string;
}

export interface PushRequest {
  readonly docker: Docker;
  /** Name and tag in the local engine. */
  readonly localTag: string;
  /** Where to push, with the registry's host: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello`. */
  readonly repository: string;
  readonly tag: string;
  readonly auth: RegistryAuth;
  readonly signal: AbortSignal;
  /** Called with a short line as the push goes on: `pushing 2.1 of 5.9 MB`. */
  readonly onProgress?: ((line: string) => void) | undefined;
}

/** Pushes the image and returns the digest under which the registry holds it. Throws `PushFailed`. */
export async function pushImage(request: PushRequest): Promise<{ digest: string }> {
  const { docker, localTag, repository, tag, signal } = request;
  signal.throwIfAborted();
  await docker.getImage(localTag).tag({ repo: repository, tag });
  try {
    return { digest: await follow(request) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BerthError) throw error;
    throw failure(request, error instanceof Error ? error.message.trim() : String(error), error);
  } finally {
    await untag(request);
  }
}

// The image keeps its local tag; the registry's name for it is not needed in the local engine. Failing to remove that
// name must neither fail a push nor hide why one failed.
async function untag({ docker, repository, tag, onProgress }: PushRequest): Promise<void> {
  const name = `${repository}:${tag}`;
  try {
    await docker.getImage(name).remove({ noprune: true });
  } catch (error) {
    onProgress?.(
      `the local name ${name} was left: ${error instanceof Error ? error.message.trim() : String(error)}`,
    );
  }
}

async function follow(request: PushRequest): Promise<string> {
  const { docker, repository, tag, auth, signal, onProgress } = request;
  const answer = await docker.getImage(repository).push({
    tag,
    authconfig: { username: auth.username, password: auth.password, serveraddress: auth.serverAddress },
    abortSignal: signal,
  });
  const progress = new TransferProgress("pushing");
  let digest: string | undefined;
  for await (const record of readRecords(answer)) {
    const reason = recordedError(record);
    if (reason !== undefined) throw failure(request, reason);
    digest = factsOf(record).Digest ?? digest;
    const line = progress.add(record.id, record.progressDetail);
    if (line !== undefined) onProgress?.(line);
  }
  if (digest === undefined) throw failure(request, "The engine ended the push without a digest");
  return digest;
}

function failure({ repository, tag }: PushRequest, reason: string, cause?: unknown): BerthError {
  return new BerthError({
    code: "PushFailed",
    message: `the image could not be pushed to ${repository}:${tag}`,
    hint: "check the connection to the registry and run the command again: layers that arrived are not sent twice",
    detail: [reason],
    cause,
  });
}
