import { runOrFail } from "../child-process.ts";
import { canInstall, type Computer } from "./computer.ts";

/** What is going to be used. */
export interface Needs {
  readonly engine: boolean;
  readonly compose: boolean;
  /** False when the private Python environment already matches requirements.txt. */
  readonly python: boolean;
}

/** Names of packages. `optional` ones are installed only where the distribution has them, because its releases differ. */
export interface PackagePlan {
  readonly wanted: readonly string[];
  readonly optional: readonly string[];
}

/** Decides which packages to install on a computer, all at once. Returns none where the set-up may not install. */
export function planPackages(
  computer: Pick<Computer, "system" | "root" | "engine" | "commands" | "codename"> & {
    readonly venv: boolean;
  },
  needs: Needs,
): PackagePlan {
  if (!canInstall(computer)) return { wanted: [], optional: [] };
  const wanted: string[] = [];
  const optional: string[] = [];
  if (needs.engine && computer.engine === "absent") {
    wanted.push("docker.io");
    if (!computer.commands.has("iptables")) wanted.push("iptables");
  }
  // Newer releases have the docker command in a separate package; older ones have it in docker.io.
  if (needs.engine && !computer.commands.has("docker")) optional.push("docker-cli");
  if (needs.python && !computer.venv) wanted.push("python3-venv");
  return { wanted, optional };
}

/**
 * Installs packages of the distribution. Updates the package lists first: a fresh computer has none, and old lists name
 * files that don't exist any more.
 */
export async function installPackages(plan: PackagePlan): Promise<void> {
  if (plan.wanted.length + plan.optional.length === 0) return;
  await aptGet(["update"], "Fetching the lists of packages");
  const names = [...plan.wanted, ...(await available(plan.optional))];
  if (names.length === 0) return;
  await aptGet(["install", "--yes", "--no-install-recommends", ...names], `Installing ${names.join(", ")}`);
}

/** Runs apt-get, and waits for another apt that is running. */
export async function aptGet(args: readonly string[], what: string): Promise<void> {
  await runOrFail("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], {
    what,
    hint: `run \`apt-get ${args.join(" ")}\` yourself, as root, to see what is in the way`,
    environment: { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" },
  });
}

async function available(names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const known = await runOrFail("apt-cache", ["pkgnames"], { what: "Listing the known packages" });
  const all = new Set(known.split("\n"));
  return names.filter((name) => all.has(name));
}
