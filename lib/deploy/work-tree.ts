import { execFile } from "node:child_process";
import { relative } from "node:path";
import { promisify } from "node:util";

/** The Git work tree that the source folder lies in. */
export interface WorkTree {
  /** The hash of the commit that is checked out. */
  readonly commit: string;
  /** Files below the source folder that differ from the commit, or that Git doesn't know; none where it is clean. */
  readonly changed: readonly string[];
}

/**
 * Asks Git about the folder without writing to its repository; undefined where there is no commit, or no Git. `own` are
 * folders of Berth's, which change no source.
 */
export async function lookAtWorkTree(
  folder: string,
  own: readonly string[] = [],
): Promise<WorkTree | undefined> {
  // A repository may name a program that tells Git what has changed. It isn't Berth's to start.
  const options = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder];
  const inside = own
    .map((path) => relative(folder, path))
    .filter((path) => path !== "" && !path.startsWith(".."));
  const excluded = [":(exclude,glob)**/.berth/**", ...inside.map((path) => `:(exclude,literal)${path}`)];
  const status = ["status", "--porcelain=v2", "--branch", "-z", "--", ".", ...excluded];
  // Git sets these for its hooks, one of which may have started this command. They name another work tree.
  const { GIT_DIR: _1, GIT_WORK_TREE: _2, GIT_INDEX_FILE: _3, GIT_PREFIX: _4, ...env } = process.env;
  const asked = promisify(execFile)("git", [...options, ...status], { env, maxBuffer: mostStatusBytes });
  return asked.then(
    ({ stdout }) => readStatus(stdout),
    () => undefined,
  );
}

/** A folder with more changes than this isn't described. */
const mostStatusBytes = 64 << 20;

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

const mostNamed = 3;

/** What the plan says of it. */
export function workTreeText({ commit, changed }: WorkTree): string {
  const about = `source: git commit ${commit.slice(0, 12)}`;
  if (changed.length === 0) return `${about}, clean`;
  const more = changed.length > mostNamed ? ` and ${changed.length - mostNamed} more` : "";
  return `${about}, with changes that aren't committed: ${changed.slice(0, mostNamed).join(", ")}${more}`;
}
