import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A repository with more to tell than this isn't described. */
const mostBytes = 64 << 20;

/**
 * Git sets these for its hooks, one of which may have started this command. They name another repository:
 * https://git-scm.com/docs/git-rev-parse, `--local-env-vars`.
 */
const ofOtherRepository: ReadonlySet<string> = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_CONFIG",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_PARAMETERS",
  "GIT_DIR",
  "GIT_GRAFT_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_NAMESPACE",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_REPLACE_REF_BASE",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
]);

/**
 * Asks Git about a folder's repository, which may be a stranger's. Its configuration may name a program that tells what
 * has changed, and remotes with missing objects, which Git fetches by whatever program such a remote names.
 */
export async function git(folder: string, args: readonly string[]): Promise<string> {
  const own = Object.entries(process.env).filter(([name]) => !ofOtherRepository.has(name));
  // No protocol is allowed. The second variable says the same to newer versions before they try.
  const env = { ...Object.fromEntries(own), GIT_ALLOW_PROTOCOL: "", GIT_NO_LAZY_FETCH: "1" };
  const options = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder];
  const { stdout } = await promisify(execFile)("git", [...options, ...args], { env, maxBuffer: mostBytes });
  return stdout;
}

/**
 * Names of the filters that the repository's own configuration has. Git runs a filter's program on files that may have
 * changed. Those that the user's own configuration alone has, such as Git LFS, are the user's choice.
 *
 * @throws where a name can't be overridden.
 */
export async function filtersOf(folder: string): Promise<string[]> {
  const told = await git(folder, ["config", "--list", "--show-scope", "-z"]);
  // A scope and an entry by turns; an entry is a key, and its value on the next lines.
  const fields = told.split("\0");
  const names = fields.flatMap((entry, index) => {
    const name = /^filter\.(.*)\.[^.]*$/s.exec(entry.split("\n")[0] ?? "")?.[1];
    const isOwn = index % 2 === 1 && /^(?:local|worktree)$/.test(fields[index - 1] ?? "");
    return name !== undefined && isOwn ? [name] : [];
  });
  const unfit = names.find((name) => name.includes("="));
  if (unfit !== undefined) throw new Error(`the name of the filter ${unfit} ends before its =`);
  return [...new Set(names)];
}

/** Options by which these filters do nothing. */
export const withoutFilters = (names: readonly string[]): string[] =>
  names.flatMap((name) =>
    ["clean=", "process=", "required=false"].flatMap((setting) => ["-c", `filter.${name}.${setting}`]),
  );

/** Paths of the submodules below the folder. */
export async function findSubmodules(folder: string): Promise<string[]> {
  const entries = (await git(folder, ["ls-files", "--stage", "-z"])).split("\0");
  return entries.flatMap((entry) =>
    entry.startsWith("160000 ") ? [entry.slice(entry.indexOf("\t") + 1)] : [],
  );
}
