const shortDigits = 12;

/** Enough of a hash for people to distinguish two. `--json` has all of it. */
export const shortHash = (hash: string): string => hash.slice(0, shortDigits);
