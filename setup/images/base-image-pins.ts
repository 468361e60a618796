import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { fromRoot } from "../../lib/paths.ts";
import { run } from "../child-process.ts";

/** Which digest each tag of a base image stands for, as a registry said when it was first asked. Part of the repository. */
export const pinsFile = fromRoot("setup/images/base-images.lock.json");

/** By tag: `sha256:…` */
export type Pins = ReadonlyMap<string, string>;

const digest = /^sha256:[0-9a-f]{64}$/;
const pins = z.record(z.string(), z.string().regex(digest));

/** A registry that hasn't said a word after this long counts as out of reach. */
const registryPatienceMs = 8_000;

export async function readPins(file: string): Promise<Pins> {
  return new Map(Object.entries(pins.parse(JSON.parse(await readFile(file, "utf8")))));
}

/** Adds to what is pinned; what was pinned before stays. Sorted, so that a change is a line. */
export async function recordPins(file: string, more: Pins): Promise<void> {
  const all = new Map([...more, ...(await readPins(file))]);
  const sorted = [...all].toSorted(([one], [other]) => (one < other ? -1 : 1));
  await writeFile(file, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
}

/**
 * Pulls the image that is pinned under the tag, whatever a registry has under it by now; the engine checks what comes. Without a
 * pin it pulls what the tag stands for. Returns the digest, or undefined when no registry gave it.
 */
export async function pullPinned(tag: string, pin: string | undefined): Promise<string | undefined> {
  const wanted = pin === undefined ? tag : `${nameOf(tag)}@${pin}`;
  const { code } = await run("docker", ["pull", wanted], { firstOutputWithinMs: registryPatienceMs });
  if (code !== 0) return undefined;
  if (pin === undefined) return findDigest(tag);
  const tagged = await run("docker", ["tag", wanted, tag]);
  return tagged.code === 0 ? pin : undefined;
}

/** The digest by which a registry gave the image that has the tag; undefined for one that was made here, or none. */
export async function findDigest(tag: string): Promise<string | undefined> {
  const format = "{{range .RepoDigests}}{{.}}\n{{end}}";
  const { code, stdout } = await run("docker", ["image", "inspect", "--format", format, tag]);
  const own = stdout.split("\n").find((line) => line.startsWith(`${nameOf(tag)}@`));
  const found = own?.split("@")[1];
  return code === 0 && found !== undefined && digest.test(found) ? found : undefined;
}

/** Without its tag; a port of the registry stays. */
const nameOf = (tag: string): string => tag.replace(/:[^:/]+$/, "");
