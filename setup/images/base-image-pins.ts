import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { fromRoot } from "../../lib/paths.ts";
import { run } from "../child-process.ts";

/** The digest of each base image's tag, as the registry gave it at the first pull. The file is part of the repository. */
export const pinsFile = fromRoot("setup/images/base-images.lock.json");

/** Digests (`sha256:…`) by tag. */
export type Pins = ReadonlyMap<string, string>;

const digest = /^sha256:[0-9a-f]{64}$/;
const pins = z.record(z.string(), z.string().regex(digest));

/** A registry that hasn't answered after this time counts as unreachable. */
const registryPatienceMs = 8_000;

export async function readPins(file: string): Promise<Pins> {
  return new Map(Object.entries(pins.parse(JSON.parse(await readFile(file, "utf8")))));
}

/** Adds pins and keeps earlier ones. The file is sorted, so that a change is one line. */
export async function recordPins(file: string, more: Pins): Promise<void> {
  const all = new Map([...more, ...(await readPins(file))]);
  const sorted = [...all].toSorted(([one], [other]) => (one < other ? -1 : 1));
  await writeFile(file, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

/**
 * Pulls the image that is pinned for the tag, whatever the registry's tag points to by now; the engine verifies the
 * digest. Without a pin, pulls the tag. Returns the digest, or undefined when no registry gave the image.
 */
export async function pullPinned(
  tag: string,
  pin: string | undefined,
  patienceMs = registryPatienceMs,
): Promise<string | undefined> {
  const wanted = pin === undefined ? tag : `${nameOf(tag)}@${pin}`;
  const { code } = await run("docker", ["pull", wanted], { firstOutputWithinMs: patienceMs });
  if (code !== 0) return undefined;
  if (pin === undefined) return findDigest(tag);
  const tagged = await run("docker", ["tag", wanted, tag]);
  return tagged.code === 0 ? pin : undefined;
}

/** The registry's digest of the local image with the tag. Undefined when the image was built here or doesn't exist. */
export async function findDigest(tag: string): Promise<string | undefined> {
  const format = "{{range .RepoDigests}}{{.}}\n{{end}}";
  const { code, stdout } = await run("docker", ["image", "inspect", "--format", format, tag]);
  const own = stdout.split("\n").find((line) => line.startsWith(`${nameOf(tag)}@`));
  const found = own?.split("@")[1];
  return code === 0 && found !== undefined && digest.test(found) ? found : undefined;
}

/** The image's name without its tag. A port of the registry stays. */
const nameOf = (tag: string): string => tag.replace(/:[^:/]+$/, "");
