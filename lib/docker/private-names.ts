import { join } from "node:path";
import { readLimited } from "../limited-file.ts";
import type { ContextEntry } from "./build-context.ts";

/** File names that tools use for credentials: keys, tokens, passwords. */
const privateNames: readonly RegExp[] = [
  /(^|\/)\.env(\.[^/]*)?$/,
  /(^|\/)id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/,
  /\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx)$/i,
  /(^|\/)\.(aws|ssh|gnupg|azure|kube)\//,
  /(^|\/)\.(npmrc|yarnrc\.yml|netrc|pypirc|pgpass|git-credentials|htpasswd)$/,
  /(^|\/)(\.docker\/config\.json|\.config\/gcloud\/.*|credentials\.json|terraform\.tfstate|\.terraformrc)$/,
];
/** Files that are meant to be public. */
const examples = /(^|\/)\.env\.(example|sample|template|dist|defaults)$|\.pub$/;
const gitConfig = /(^|\/)\.git\/config$/;

/** Paths in a build context whose names suggest that they hold secrets. `.git/config` is judged by its content. */
export async function findPrivate(folder: string, entries: readonly ContextEntry[]): Promise<string[]> {
  const paths = entries.filter(({ type }) => type === "file").map(({ path }) => path);
  const configs = paths.filter((path) => gitConfig.test(path));
  const withCredentials = await Promise.all(
    configs.map(async (path) => ((await holdsCredentials(join(folder, path))) ? [path] : [])),
  );
  const named = paths.filter((path) => !examples.test(path) && privateNames.some((name) => name.test(path)));
  return [...named, ...withCredentials.flat()].toSorted();
}

/** Looks for `https://user:password@host`, or a header with a token, as CI systems leave them in `.git/config`. */
async function holdsCredentials(path: string): Promise<boolean> {
  const text = (await readLimited(path, mostConfigBytes)).toString("utf8");
  return /:\/\/[^/\s@]+@|extraheader\s*=/i.test(text);
}

/** Git writes far less. */
const mostConfigBytes = 1024 * 1024;

const mostNamed = 5;

/** The warning to show, or undefined when there is nothing to warn about. */
export function privateText(folder: string, paths: readonly string[]): string | undefined {
  if (paths.length === 0) return undefined;
  const more = paths.length > mostNamed ? ` and ${paths.length - mostNamed} more` : "";
  return `the build of ${folder} gets to see what looks private: ${paths.slice(0, mostNamed).join(", ")}${more}`;
}
