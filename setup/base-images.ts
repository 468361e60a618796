import { run } from "./child-process.ts";
import type { Machine } from "./machine.ts";
import type { Phases } from "./phases.ts";
import { buildStandIn, recipeLabel, standInRecipes, type StandIn } from "./stand-in.ts";

export type Target = "demo" | "test";

export interface BaseImage extends StandIn {
  readonly targets: readonly Target[];
}

/**
 * Every image that a Dockerfile or compose file of this repository starts from. The one list of them.
 * A tag names no more of a version than its recipe can promise.
 */
export const baseImages: readonly BaseImage[] = [
  { tag: "debian:trixie-slim", recipe: "debian", targets: ["demo", "test"] },
  { tag: "golang:1.27-trixie", recipe: "golang", targets: ["demo", "test"] },
  { tag: "python:3.13-slim-trixie", recipe: "python", targets: ["test"] },
  { tag: "nginx:1.30-trixie", recipe: "nginx", targets: ["test"] },
  { tag: "postgres:17-trixie", recipe: "postgres", targets: ["test"] },
];

/** A registry that hasn't said a word after this long counts as out of reach. */
const registryPatienceMs = 8_000;

export function imagesOf(target: Target): readonly BaseImage[] {
  return baseImages.filter((image) => image.targets.includes(target));
}

/**
 * Makes sure that the engine has the base images: what is there stays, what isn't is pulled, and where no registry
 * gives it, a stand-in is built from Debian's packages under the same tag, and said so.
 *
 * A stand-in made by an older recipe, or for other certificates of this computer, is made again.
 *
 * @throws BerthError `SetupFailed` with the tail of the build, `StandInImpossible` where the tools for it are missing
 */
export async function ensureBaseImages(
  images: readonly BaseImage[],
  machine: Machine,
  phases: Phases,
): Promise<void> {
  const found = await recipesPresent(images);
  // Nothing to compare with when every image came from a registry.
  if (images.every(({ tag }) => found.get(tag) === "")) return;
  const recipes = await standInRecipes(images);
  const missing = images.filter(({ tag }) => isMissing(found.get(tag), recipes.get(tag)));
  const pulled = await Promise.all(missing.map(async ({ tag }) => !found.has(tag) && (await pull(tag))));
  const refused = missing.filter((_, index) => pulled[index] === false);
  const build = async (image: BaseImage) => {
    await buildStandIn(image, { recipe: recipes.get(image.tag) ?? "", machine });
    phases.note(`${image.tag}: no registry gave it; a stand-in built from Debian's packages takes its place`);
  };
  // The others are built on top of Debian's.
  await Promise.all(refused.filter(({ recipe }) => recipe === "debian").map(build));
  await Promise.all(refused.filter(({ recipe }) => recipe !== "debian").map(build));
}

/** Decides by the label of the image that has the tag: undefined is no image, empty an image of a registry. */
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

async function pull(tag: string): Promise<boolean> {
  const { code } = await run("docker", ["pull", tag], { firstOutputWithinMs: registryPatienceMs });
  return code === 0;
}
