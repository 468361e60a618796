import { ensureBuilt } from "../../lib/docker/build.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { openSource, type SourceOptions } from "../../lib/docker/source.ts";
import { authoritySource } from "../../lib/local/emulators/authority.ts";
import { ensureBootImage } from "../../lib/local/machines/boot-image.ts";
import type { Phases } from "../phases.ts";

/**
 * Builds the machines' image, an app's image and that of the certificate authority at the same time. `up` would build them
 * one after the other, and several tests would each build the same ones. Existing images are kept. When one of the first two
 * fails, the others are aborted.
 *
 * @throws BerthError `BootImageFailed`, `BuildFailed`; the signal's reason when aborted
 */
export async function ensureImages(app: SourceOptions, phases: Phases, signal: AbortSignal): Promise<void> {
  const docker = await connectDocker();
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const all = Promise.all([
    ensureBootImage({ docker, signal: either, note: (text) => phases.note(text) }),
    openSource(app).then((source) => ensureBuilt({ docker, source, signal: either })),
    // Without it there is no HTTPS on the embedded AWS, and everything else works.
    openSource({ source: authoritySource })
      .then((source) => ensureBuilt({ docker, source, signal: either }))
      .catch((error: unknown) => {
        signal.throwIfAborted();
        phases.note(`no certificate authority for the embedded AWS: ${String(error)}`);
      }),
  ]);
  await all.finally(() => failure.abort());
}
