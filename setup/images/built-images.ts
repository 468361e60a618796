import { ensureBuilt } from "../../lib/docker/build.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { openSource, type SourceOptions } from "../../lib/docker/source.ts";
import { ensureBootImage } from "../../lib/local/machines/boot-image.ts";
import type { Phases } from "../phases.ts";

/**
 * Builds the machines' image and an app's image at the same time. `up` would build them one after the other, and
 * several tests would each build the same ones. Existing images are kept. When one build fails, the other is aborted.
 *
 * @throws BerthError `BootImageFailed`, `BuildFailed`; the signal's reason when aborted
 */
export async function ensureImages(app: SourceOptions, phases: Phases, signal: AbortSignal): Promise<void> {
  const docker = await connectDocker();
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const both = Promise.all([
    ensureBootImage({ docker, signal: either, note: (text) => phases.note(text) }),
    openSource(app).then((source) => ensureBuilt({ docker, source, signal: either })),
  ]);
  await both.finally(() => failure.abort());
}
