import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { transform } from "esbuild";
import { run, runOrFail } from "../../setup/child-process.ts";
import type { Fault } from "./fault.ts";

/** A copy of the tree to plant faults in. The tree itself is only read. */
export interface TreeCopy extends AsyncDisposable {
  readonly path: string;
  /** False when the patch doesn't fit the tree, or its result can't run at all. */
  plant(fault: Fault): Promise<boolean>;
  /** Restores the copy to its state before any fault was planted. */
  restore(): Promise<void>;
}

const leftOut = new Set([".git", ".berth", ".venv", "node_modules", "coverage"]);

// Whoever runs this may sign commits, have hooks, or keep the scratch folder inside another repository.
const ownGit = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
const identity = [
  "-c",
  "user.name=planted",
  "-c",
  "user.email=planted@localhost",
  "-c",
  "core.autocrlf=false",
];

/** The lines that a fault takes away must be there; those around them may change without its going stale. */
export const applyArguments = ["apply", "-p1", "-C0", "--recount", "--whitespace=nowarn"] as const;

export async function openTreeCopy(root: string): Promise<TreeCopy> {
  const path = await mkdtemp(join(tmpdir(), "berth-planted-"));
  const git = (...args: readonly string[]) => ({
    args: [...identity, ...args],
    options: { cwd: path, environment: ownGit },
  });
  const must = async (...args: readonly string[]) => {
    const command = git(...args);
    await runOrFail("git", command.args, { ...command.options, what: `git ${args[0] ?? ""}` });
  };
  await cp(root, path, {
    recursive: true,
    filter: (source) => !leftOut.has(relative(root, source)),
  });
  await must("init", "--quiet");
  await must("add", "--all");
  await must("commit", "--quiet", "--no-verify", "--message=before");
  await linkPackages(root, path);
  return {
    path,
    plant: async (fault) => {
      const { args, options } = git(...applyArguments, fault.path);
      return (await run("git", args, options)).code === 0 && (await isTypeScript(path, fault.changes));
    },
    restore: () => must("reset", "--quiet", "--hard"),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** A folder of links and not one link: what tests compile goes into node_modules/.cache, and each copy has its own. */
async function linkPackages(root: string, path: string): Promise<void> {
  const packages = join(root, "node_modules");
  await mkdir(join(path, "node_modules"));
  for (const name of await readdir(packages))
    if (name !== ".cache") await symlink(join(packages, name), join(path, "node_modules", name));
  if (existsSync(join(root, ".venv"))) await symlink(join(root, ".venv"), join(path, ".venv"));
}

/** A patch that breaks the syntax would make every test fail, and prove nothing. */
async function isTypeScript(path: string, files: readonly string[]): Promise<boolean> {
  const texts = files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFile(join(path, file), "utf8"));
  const parsed = (await Promise.all(texts)).map((text) =>
    transform(text, { loader: "ts", logLevel: "silent" }),
  );
  return (await Promise.allSettled(parsed)).every(({ status }) => status === "fulfilled");
}
