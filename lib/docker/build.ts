import type Docker from "dockerode";
import {
  type BuildRequest,
  type Engine,
  hashLabel,
  isTurnedOff,
  type PreparedBuild,
} from "./build-request.ts";
import { readSecrets } from "./build-secrets.ts";
import { isNotFound } from "./connection.ts";
import type { Source } from "./source.ts";

interface BuiltImage {
  readonly imageId: string;
  /** Name and tag in the local engine. */
  readonly localTag: string;
}

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

/**
 * Builds the image unless the engine already has it; changes nothing but the engine. Throws `BuildFailed` with the
 * failing step in the message and the end of its output as detail; `BuildKitNeeded`, `BuildSecretMissing`,
 * `SourceChanged`; or the signal's reason when aborted.
 */
export async function ensureBuilt(request: Omit<BuildRequest, "tag">): Promise<BuiltImage> {
  const { docker, source, signal } = request;
  const built = await findBuilt(docker, source);
  if (built !== undefined) return built;
  signal.throwIfAborted();
  const localTag = localTagOf(source);
  const [secrets, engine] = await Promise.all([readSecrets(source.secrets), lookAtEngine(docker)]);
  const imageId = await build({ ...request, tag: localTag, secrets, engine });
  return { imageId, localTag };
}

/** Builds by BuildKit if the engine has it. Loads a builder's code only here, because most commands build nothing. */
async function build(request: PreparedBuild): Promise<string> {
  if (!isTurnedOff() && !request.engine.platform.startsWith("windows/")) {
    const { buildByBuildKit } = await import("./buildkit/build.ts");
    const imageId = await buildByBuildKit(request);
    if (imageId !== undefined) return imageId;
  }
  const { buildClassic } = await import("./classic-build.ts");
  return buildClassic(request);
}

async function lookAtEngine(docker: Docker): Promise<Engine> {
  const { Version, Os, Arch, Components } = await docker.version();
  const isDocker = !(Components ?? []).some(({ Name }) => /podman/i.test(Name));
  return { version: Version, platform: `${Os}/${Arch}`, isDocker };
}
