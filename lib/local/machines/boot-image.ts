import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { isNotFound } from "../../docker/connection.ts";
import { readRecords, recordedError } from "../../docker/records.ts";
import { BerthError } from "../../errors.ts";
import { fromRoot } from "../../paths.ts";

const directory = fromRoot("lib/local/machines/boot-image");
const fileNames = ["Dockerfile", "cloud.cfg", "packet-filter.nft", "prepare"];

export interface BootImageOptions {
  readonly docker: Docker;
  /** Called with one short line when a build starts, and one for each step. */
  readonly note?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Ensures the image that machines boot from, and builds it when the engine doesn't have it. The tag is derived from the
 * recipe, so a changed recipe gives another image. A build needs `debian:trixie-slim` and Debian's package servers.
 *
 * @returns its name and tag.
 * @throws BerthError `BootImageFailed` with the tail of the build.
 */
export async function ensureBootImage(options: BootImageOptions): Promise<string> {
  const { docker, note } = options;
  const files = await Promise.all(
    fileNames.map(async (name) => ({ name, content: await readFile(join(directory, name)) })),
  );
  const hash = createHash("sha256");
  for (const { name, content } of files) hash.update(`\0${name}\0`).update(content);
  const tag = `berth-machine:${hash.digest("hex").slice(0, 16)}`;
  if (await hasImage(docker, tag)) return tag;
  note?.("building the image of the machines, once: about a minute");
  const context = pack();
  for (const { name, content } of files) context.entry({ name }, content);
  context.finalize();
  await build(options, tag, Readable.from(context));
  return tag;
}

async function hasImage(docker: Docker, tag: string): Promise<boolean> {
  try {
    await docker.getImage(tag).inspect();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function build(options: BootImageOptions, tag: string, context: Readable): Promise<void> {
  const { docker, note, signal } = options;
  const answer = await docker.buildImage(context, {
    t: tag,
    rm: true,
    forcerm: true,
    // The host network makes names resolve as on this computer, with its hosts file and VPN.
    networkmode: "host",
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });
  const tail: string[] = [];
  for await (const record of readRecords(answer)) {
    const text = record.stream?.trimEnd() ?? "";
    if (text !== "") tail.push(...text.split("\n"));
    tail.splice(0, tail.length - 20);
    const [, step] = /^Step (\d+\/\d+) :/.exec(text) ?? [];
    if (step !== undefined) note?.(`building the image of the machines: step ${step}`);
    const failure = recordedError(record);
    if (failure === undefined) continue;
    throw new BerthError({
      code: "BootImageFailed",
      message: `the image of the machines could not be built: ${failure}`,
      hint: "it takes `debian:trixie-slim` and Debian's package servers; `npm test` sets up the first",
      detail: tail,
    });
  }
}
