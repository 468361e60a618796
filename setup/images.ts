import { ensureBuilt } from "../lib/docker/build.ts";
import { connectEngine } from "../lib/docker/engine.ts";
import { openSource, type SourceOptions } from "../lib/docker/source.ts";
import { ensureMachineImage } from "../lib/local/machine-image.ts";
import type { Phases } from "./phases.ts";

/**
 * Builds the image of the machines and that of an app at the same time, where `up` would build the one and then the other,
 * and several tests the same. Nothing is done when they are there.
 *
 * @throws BerthError `MachineImageFailed`, `BuildFailed`; the signal's reason when aborted
 */
export async function ensureImages(app: SourceOptions, phases: Phases, signal: AbortSignal): Promise<void> {
  const docker = await connectEngine();
  await Promise.all([
    ensureMachineImage({ docker, signal, note: (text) => phases.note(text) }),
    openSource(app).then((source) => ensureBuilt({ docker, source, signal })),
  ]);
}
