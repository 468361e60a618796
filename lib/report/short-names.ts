import { shortHash } from "../short-hash.ts";

const registryHost = /\b\d{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z0-9.-]+?(?::\d+)?\/(?=[a-z0-9])/g;
const hash = /\b[0-9a-f]{64}\b/g;

/** The text for people: image references without their registry, and 12 digits of each hash. `--json` has all of them. */
export function shortenNames(text: string): string {
  return text.replaceAll(registryHost, "").replaceAll(hash, shortHash);
}
