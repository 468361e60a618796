import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "../../lib/errors.ts";
import { pythonPath } from "../../lib/local/python.ts";
import { fromRoot } from "../../lib/paths.ts";
import { run, runOrFail } from "../child-process.ts";
import { readOptionalFile } from "../computer/optional-file.ts";

const requirements = fromRoot("setup/python/requirements.txt");
const folder = fromRoot(".venv");
const djangoRequirements = fromRoot("dockerfiles/django/requirements.txt");
const pip = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install"];
const stamp = join(folder, "berth-requirements");

/** True when the private environment contains exactly the packages in requirements.txt, and its Python still runs. */
export async function isPythonReady(): Promise<boolean> {
  if ((await readOptionalFile(stamp)) !== (await fingerprint())) return false;
  return (await run(pythonPath, ["-c", ""])).code === 0;
}

/** True when there is a Python with the venv module, which is a separate package on Debian. */
export async function hasVenvModule(): Promise<boolean> {
  return (await findPython()) !== undefined;
}

/**
 * Makes `.venv` with the pinned emulators. Rebuilds an outdated environment from scratch, so that nothing old stays in
 * it.
 *
 * @throws BerthError `PythonMissing`, or `SetupFailed` with what pip said
 */
export async function ensurePython(): Promise<void> {
  if (await isPythonReady()) return;
  const python = await findPython();
  if (python === undefined) {
    throw new BerthError({
      code: "PythonMissing",
      message: "the emulators need Python 3.10 or newer with its venv module, and there is none",
      hint: "install it (Debian, Ubuntu: `sudo apt-get install python3-venv`) and try again",
    });
  }
  await rm(folder, { recursive: true, force: true });
  await runOrFail(python, ["-m", "venv", folder], { what: "Making the Python environment" });
  // Compiling everything takes longer than the installation. Python compiles what it imports anyway.
  await runOrFail(pythonPath, [...pip, "--require-hashes", "--no-deps", "--no-compile", "-r", requirements], {
    what: "Installing the emulators",
    hint: "check that the Python package index can be reached, then try again",
  });
  await writeFile(stamp, await fingerprint());
}

/**
 * The Django app's packages, in a folder for the PYTHONPATH of the private environment: exactly those in the image.
 * Made once for each content of the requirements. Only tests call this, after `ensurePython`.
 *
 * @throws BerthError `SetupFailed` with what pip said
 */
export async function ensureDjango(): Promise<string> {
  const packages = join(folder, `django-${(await fingerprint(djangoRequirements)).slice(0, 16)}`);
  if (existsSync(packages)) return packages;
  const draft = await mkdtemp(`${packages}.`);
  try {
    const target = ["--no-deps", "--target", draft];
    await runOrFail(pythonPath, [...pip, "--require-hashes", ...target, "-r", djangoRequirements], {
      what: "Installing Django for the tests",
      hint: "check that the Python package index can be reached, then try again",
    });
    // The rename makes the folder appear complete or not at all. Another process may have done it first.
    await rename(draft, packages).catch((error: unknown) => {
      if (!existsSync(packages)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return packages;
}

// The Python on the PATH may come from a version manager and lack modules that Debian's own has, or the other way
// round.
async function findPython(): Promise<string | undefined> {
  const check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const python of ["python3", "/usr/bin/python3"]) {
    if ((await run(python, ["-c", check])).code === 0) return python;
  }
  return undefined;
}

async function fingerprint(file = requirements): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}
