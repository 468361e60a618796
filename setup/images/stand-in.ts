import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { BerthError } from "../../lib/errors.ts";
import { fromRoot } from "../../lib/paths.ts";
import { runOrFail } from "../child-process.ts";
import { readLentFiles, writeLentFiles, type LentFiles } from "./lent-files.ts";
import { canInstall, type Computer } from "../computer/computer.ts";
import { aptGet } from "../computer/packages.ts";

const recipesFolder = fromRoot("setup/images/stand-ins");

/** An image that can be built from Debian's packages when no registry gives it. */
export interface StandIn {
  readonly tag: string;
  /** Folder of the recipe in setup/images/stand-ins. */
  readonly recipe: string;
}

/** The label with the recipe that a stand-in was built by. An image without it came from a registry. */
export const recipeLabel = "dev.berth.recipe";

/**
 * Fingerprint of each image's recipe, by tag. It covers the recipe's folder, that of the Debian stand-in below it, and
 * the files lent by this computer.
 */
export async function standInRecipes(images: readonly StandIn[]): Promise<ReadonlyMap<string, string>> {
  const lent = await readLentFiles();
  const fingerprint = JSON.stringify([...lent.files, lent.aptSettings, lent.buildArguments]);
  const debian = await folderFingerprint("debian");
  const entries = await Promise.all(
    images.map(async ({ tag, recipe }): Promise<[string, string]> => {
      const own = recipe === "debian" ? "" : await folderFingerprint(recipe);
      return [
        tag,
        createHash("sha256")
          .update(debian + own + fingerprint)
          .digest("hex"),
      ];
    }),
  );
  return new Map(entries);
}

/** Builds one stand-in under its tag. All but Debian's are built on top of `debian:trixie-slim`. */
export async function buildStandIn(
  image: StandIn,
  context: { readonly recipe: string; readonly computer: Computer },
): Promise<void> {
  const labels = [`dev.berth.stand-in=true`, `${recipeLabel}=${context.recipe}`];
  const lent = await readLentFiles();
  if (image.recipe === "debian") {
    await ensureMmdebstrap(context.computer);
    return importDebian(image.tag, labels, lent);
  }
  const buildArguments = Object.entries(lent.buildArguments).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  const labelArguments = labels.flatMap((label) => ["--label", label]);
  const folder = join(recipesFolder, image.recipe);
  await runOrFail(
    "docker",
    ["build", "--network", "host", "--tag", image.tag, ...labelArguments, ...buildArguments, folder],
    {
      what: `Building a stand-in for ${image.tag}`,
      hint: "check that Debian's packages can be reached, or pull the image yourself where a registry answers",
    },
  );
}

async function importDebian(tag: string, labels: readonly string[], lent: LentFiles): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-stand-in-"));
  try {
    const [files, settings, tar] = [
      join(folder, "files"),
      join(folder, "apt.conf"),
      join(folder, "root.tar"),
    ];
    await writeLentFiles(files, lent);
    await writeFile(settings, lent.aptSettings);
    await runOrFail(join(recipesFolder, "debian", "build.sh"), [files, settings, tar], {
      what: `Building a stand-in for ${tag}`,
      hint: "check that Debian's packages can be reached, or pull the image yourself where a registry answers",
    });
    const changes = ['CMD ["bash"]', ...labels.map((label) => `LABEL ${label}`)];
    const changeArguments = changes.flatMap((change) => ["--change", change]);
    await runOrFail("docker", ["import", ...changeArguments, tar, tag], { what: `Importing ${tag}` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ensureMmdebstrap(computer: Computer): Promise<void> {
  if (computer.commands.has("mmdebstrap")) return;
  if (!canInstall(computer)) {
    throw new BerthError({
      code: "StandInImpossible",
      message:
        "No image registry answers, and the tool that builds stand-ins from Debian's packages is missing",
      hint: "install it (Debian, Ubuntu: `sudo apt-get install mmdebstrap debian-archive-keyring`), or connect to a registry",
    });
  }
  const packages = ["mmdebstrap", ...(computer.system === "ubuntu" ? ["debian-archive-keyring"] : [])];
  await aptGet(["update"], "Fetching the lists of packages");
  await aptGet(["install", "--yes", "--no-install-recommends", ...packages], "Installing mmdebstrap");
}

async function folderFingerprint(recipe: string): Promise<string> {
  const folder = join(recipesFolder, recipe);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const path of paths.toSorted()) {
    hash.update(`${relative(folder, path)}\0`).update(await readFile(path));
  }
  return hash.digest("hex");
}
