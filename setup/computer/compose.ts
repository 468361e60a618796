import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BerthError } from "../../lib/errors.ts";
import { run, runOrFail } from "../child-process.ts";
import { canInstall, findCommands, type Computer } from "./computer.ts";
import { aptGet } from "./packages.ts";

/**
 * The command that starts Compose on this computer: `docker-compose`, or `docker compose` where it is a plugin.
 * Undefined where there is neither.
 */
async function findCompose(): Promise<readonly string[] | undefined> {
  if ((await findCommands(["docker-compose"])).has("docker-compose")) return ["docker-compose"];
  if ((await run("docker", ["compose", "version"])).code === 0) return ["docker", "compose"];
  return undefined;
}

/**
 * Makes sure that Compose is installed. As root on Debian and Ubuntu, installs it from the distribution.
 *
 * @throws BerthError `ComposeMissing`
 */
export async function ensureCompose(computer: Computer): Promise<void> {
  if ((await findCompose()) !== undefined) return;
  if (!canInstall(computer)) {
    throw new BerthError({
      code: "ComposeMissing",
      message:
        "The Django cluster needs Docker Compose, and neither `docker-compose` nor `docker compose` is there",
      hint: "install it (Debian: `sudo apt-get install docker-compose`, Ubuntu: `sudo apt-get install docker-compose-v2`)",
    });
  }
  if (computer.codename === "bookworm") return installFromTrixie();
  const name = computer.system === "ubuntu" ? "docker-compose-v2" : "docker-compose";
  await aptGet(["update"], "Fetching the lists of packages");
  await aptGet(["install", "--yes", "--no-install-recommends", name], `Installing ${name}`);
}

// bookworm has only version 1, which has long been unmaintained. The next release's package needs nothing newer than
// bookworm has. Its package source is read from a separate folder, so that the computer's list of sources stays
// unchanged.
async function installFromTrixie(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-apt-"));
  try {
    const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    const source = `deb [signed-by=${keyring}] http://deb.debian.org/debian trixie main\n`;
    await mkdir(join(folder, "lists"));
    await writeFile(join(folder, "sources.list"), source);
    const options = [
      `Dir::Etc::SourceList=${folder}/sources.list`,
      "Dir::Etc::SourceParts=/dev/null",
      "Dir::Etc::Preferences=/dev/null",
      "Dir::Etc::PreferencesParts=/dev/null",
      `Dir::State::Lists=${folder}/lists`,
      // The computer's own cache doesn't cover this source.
      "Dir::Cache::pkgcache=",
      "Dir::Cache::srcpkgcache=",
      "APT::Sandbox::User=root",
    ].flatMap((option) => ["-o", option]);
    await aptGet([...options, "update"], "Fetching the lists of packages");
    await runOrFail("apt-get", ["-qq", ...options, "download", "docker-compose/trixie"], {
      what: "Fetching docker-compose",
      cwd: folder,
    });
    const file = (await readdir(folder)).find((name) => name.endsWith(".deb")) ?? "docker-compose.deb";
    await aptGet(
      ["install", "--yes", "--no-install-recommends", join(folder, file)],
      "Installing docker-compose",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
