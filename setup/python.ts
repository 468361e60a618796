import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BerthError } from "../lib/errors.ts";
import { run, runOrFail } from "./child-process.ts";
import { readOptionalFile } from "./optional-file.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = join(root, "setup", "requirements.txt");
const folder = join(root, ".venv");
const stamp = join(folder, "berth-requirements");

/** The Python of the private environment, in which the emulators are. Exists after `ensurePython`. */
function venvPython(): string {
  return join(folder, "bin", "python");
}

/** True when the private environment holds exactly what requirements.txt asks for, on a Python that still runs. */
export async function isPythonReady(): Promise<boolean> {
  if ((await readOptionalFile(stamp)) !== (await fingerprint())) return false;
  return (await run(venvPython(), ["-c", ""])).code === 0;
}

/** True when a Python with the venv module is at hand; on Debian that module is a package of its own. */
export async function hasVenvModule(): Promise<boolean> {
  return (await findPython()) !== undefined;
}

/**
 * Makes `.venv` with the pinned emulators. An environment that is out of date is made anew, so that nothing old stays in it.
 *
 * @throws BerthError `PythonMissing`, or `SetupFailed` with what pip said
 */
export async function ensurePython(): Promise<void> {
  if (await isPythonReady()) return;
  const python = await findPython();
  if (python === undefined) {
    throw new BerthError({
      code: "PythonMissing",
      message: "The emulators need Python 3.10 or newer with its venv module, and there is none",
      hint: "Install it (Debian, Ubuntu: `sudo apt-get install python3-venv`) and try again",
    });
  }
  await rm(folder, { recursive: true, force: true });
  await runOrFail(python, ["-m", "venv", folder], { what: "Making the Python environment" });
  // Compiling all of it takes longer than the installation; Python compiles what it meets.
  const pip = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install"];
  await runOrFail(
    venvPython(),
    [...pip, "--require-hashes", "--no-deps", "--no-compile", "-r", requirements],
    {
      what: "Installing the emulators",
      hint: "Check that the Python package index can be reached, then try again",
    },
  );
  await writeFile(stamp, await fingerprint());
}

// The one on the PATH may come from a version manager and lack what Debian's own has, or the other way round.
async function findPython(): Promise<string | undefined> {
  const check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const python of ["python3", "/usr/bin/python3"]) {
    if ((await run(python, ["-c", check])).code === 0) return python;
  }
  return undefined;
}

async function fingerprint(): Promise<string> {
  return createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex");
}
