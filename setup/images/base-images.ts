import { findDigest, type Pins, pinsFile, pullPinned, readPins, recordPins } from "./base-image-pins.ts";
import { run } from "../child-process.ts";
import type { Computer } from "../computer/computer.ts";
import type { Phases } from "../phases.ts";
import { buildStandIn, recipeLabel, standInRecipes, type StandIn } from "./stand-in.ts";

export type Target = "demo" | "test" | "smoke";

export interface BaseImage extends StandIn {
  readonly targets: readonly Target[];
}

/**
 * Every image that a Dockerfile or compose file of this repository starts from. This is the only list of them. A tag
 * names the version only as exactly as the stand-in's recipe can guarantee.
 */
export const baseImages: readonly BaseImage[] = [
  { tag: "debian:trixie-slim", recipe: "debian", targets: ["demo", "test", "smoke"] },
  { tag: "golang:1.27-trixie", recipe: "golang", targets: ["demo", "test"] },
  { tag: "python:3.13-slim-trixie", recipe: "python", targets: ["test", "smoke"] },
  { tag: "nginx:1.30-trixie", recipe: "nginx", targets: ["test", "smoke"] },
  { tag: "postgres:17-trixie", recipe: "postgres", targets: ["test", "smoke"] },
  { tag: "node:20-trixie-slim", recipe: "node", targets: ["test"] },
];

export function imagesOf(target: Target): readonly BaseImage[] {
  return baseImages.filter((image) => image.targets.includes(target));
}

/**
 * Makes sure that the engine has the base images. Existing images stay; missing ones are pulled. When no registry gives
 * an image, a stand-in is built from Debian's packages under the same tag, and reported.
 *
 * A stand-in that was built by an older recipe, or with other certificates of this computer, is built again.
 *
 * @throws BerthError `SetupFailed` with the tail of the build, `StandInImpossible` where the tools to build it are missing
 */
export async function ensureBaseImages(
  images: readonly BaseImage[],
  computer: Computer,
  phases: Phases,
): Promise<void> {
  const [found, pins] = await Promise.all([recipesPresent(images), readPins(pinsFile)]);
  await pullOthersThanPinned(images, { found, pins }, phases);
  // When every image came from a registry, there are no recipes to compare.
  if (images.every(({ tag }) => found.get(tag) === "")) return;
  const recipes = await standInRecipes(images);
  const missing = images.filter(({ tag }) => isMissing(found.get(tag), recipes.get(tag)));
  const absent = missing.filter(({ tag }) => !found.has(tag));
  const pulled = await pullAll(absent, pins);
  await recordNew(pulled, pins, phases);
  const refused = missing.filter(({ tag }) => !pulled.has(tag));
  const build = async (image: BaseImage) => {
    await buildStandIn(image, { recipe: recipes.get(image.tag) ?? "", computer });
    phases.note(`${image.tag}: no registry gave it; a stand-in built from Debian's packages takes its place`);
  };
  // The other stand-ins are built on top of Debian's.
  await Promise.all(refused.filter(({ recipe }) => recipe === "debian").map(build));
  await Promise.all(refused.filter(({ recipe }) => recipe !== "debian").map(build));
}

async function pullAll(images: readonly BaseImage[], pins: Pins): Promise<Pins> {
  const pulled = await Promise.all(
    images.map(async ({ tag }) => [tag, await pullPinned(tag, pins.get(tag))] as const),
  );
  return new Map(pulled.flatMap(([tag, digest]) => (digest === undefined ? [] : [[tag, digest] as const])));
}

/** Pins the digests of newly pulled tags: from then on, every computer with this repository uses the same image for a tag. */
async function recordNew(pulled: Pins, pins: Pins, phases: Phases): Promise<void> {
  const fresh = new Map([...pulled].filter(([tag]) => !pins.has(tag)));
  if (fresh.size === 0) return;
  await recordPins(pinsFile, fresh);
  for (const [tag, digest] of fresh) {
    phases.note(
      `${tag}: pinned to ${digest} in setup/images/base-images.lock.json, which is to be committed`,
    );
  }
}

interface Present {
  readonly found: ReadonlyMap<string, string>;
  readonly pins: Pins;
}

/** Pulls the pinned image where the engine has another registry image under the tag, such as an older one. */
async function pullOthersThanPinned(
  images: readonly BaseImage[],
  { found, pins }: Present,
  phases: Phases,
): Promise<void> {
  const compared = images.filter(({ tag }) => found.get(tag) === "" && pins.has(tag));
  const digests = await Promise.all(compared.map(({ tag }) => findDigest(tag)));
  const others = compared.filter(({ tag }, index) => digests[index] !== pins.get(tag));
  const pulled = await pullAll(others, pins);
  for (const { tag } of others.filter((image) => !pulled.has(image.tag))) {
    phases.note(
      `${tag}: not the image that setup/images/base-images.lock.json names, which no registry gave; used as it is`,
    );
  }
}

/** Decides by the recipe label of the image with the tag: undefined means no image, empty an image from a registry. */
export function isMissing(found: string | undefined, recipe: string | undefined): boolean {
  return found === undefined || (found !== "" && found !== recipe);
}

async function recipesPresent(images: readonly BaseImage[]): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    images.map(async ({ tag }): Promise<[string, string][]> => {
      const format = `{{with .Config.Labels}}{{index . "${recipeLabel}"}}{{end}}`;
      const { code, stdout } = await run("docker", ["image", "inspect", "--format", format, tag]);
      return code === 0 ? [[tag, stdout.trim()]] : [];
    }),
  );
  return new Map(found.flat());
}
