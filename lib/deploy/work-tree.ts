import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join, relative } from "node:path";
import { filtersOf, findSubmodules, git, withoutFilters } from "./git.ts";

/** The Git work tree that the source folder lies in. */
export interface WorkTree {
  /** The hash of the commit that is checked out. */
  readonly commit: string;
  /** Files below the source folder that differ from the commit, or that Git doesn't know; none where it is clean. */
  readonly changed: readonly string[];
}

/**
 * Asks Git about the folder without writing to its repository; undefined where there is no commit, or no Git. `own` are
 * folders of Berth's, which change no source. Starts no program that the repository names.
 */
export async function lookAtWorkTree(
  folder: string,
  own: readonly string[] = [],
): Promise<WorkTree | undefined> {
  try {
    return await look(folder, own);
  } catch {
    return undefined;
  }
}

async function look(folder: string, own: readonly string[]): Promise<WorkTree | undefined> {
  const [filters, submodules] = await Promise.all([filtersOf(folder), findSubmodules(folder)]);
  const inside = own
    .map((path) => relative(folder, path))
    .filter((path) => path !== "" && !path.startsWith(".."));
  const excluded = [":(exclude,glob)**/.berth/**", ...inside.map((path) => `:(exclude,literal)${path}`)];
  const status = ["status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=dirty"];
  const told = await git(folder, [...withoutFilters(filters), ...status, "--", ".", ...excluded]);
  const tree = readStatus(told);
  return tree && { ...tree, changed: await withSubmodules(folder, tree.changed, submodules) };
}

/** Git itself would look into submodules by what their own configurations say. */
async function withSubmodules(
  folder: string,
  changed: readonly string[],
  submodules: readonly string[],
): Promise<string[]> {
  if (submodules.length === 0) return [...changed];
  const prefix = (await git(folder, ["rev-parse", "--show-prefix"])).trimEnd();
  const looks = submodules.map(async (path) => {
    const tree = (await isCheckedOut(folder, path)) ? await lookAtWorkTree(join(folder, path)) : undefined;
    return tree === undefined || tree.changed.length === 0 ? [] : [`${prefix}${path}`];
  });
  return [...new Set([...changed, ...(await Promise.all(looks)).flat()])];
}

/** In any other folder, Git would go on to a repository around it; and a link may lead back to where the looks began. */
async function isCheckedOut(folder: string, path: string): Promise<boolean> {
  const inner = join(await realpath(folder), path);
  const found = await realpath(inner).catch(() => undefined);
  return found === inner && existsSync(join(inner, ".git"));
}

/** Pure. Reads what `git status --porcelain=v2 --branch -z` writes: https://git-scm.com/docs/git-status */
function readStatus(status: string): WorkTree | undefined {
  const commit = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(status.replaceAll("\0", "\n"))?.[1];
  if (commit === undefined) return undefined;
  const changed: string[] = [];
  const records = status.split("\0")[Symbol.iterator]();
  for (const record of records) {
    const fields = fieldsBefore[record[0] ?? ""];
    if (fields === undefined) continue;
    changed.push(record.split(" ").slice(fields).join(" "));
    // After a renamed file comes its old name.
    if (record.startsWith("2")) records.next();
  }
  return { commit, changed };
}

/** How many fields stand before the path, by the record's kind: changed, renamed, unmerged, unknown to Git. */
const fieldsBefore: Readonly<Record<string, number>> = { "1": 8, "2": 9, u: 10, "?": 1 };
