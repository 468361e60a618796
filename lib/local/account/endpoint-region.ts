/** The longest possible host name. */
const longestName = 253;

/** The region in the name of an AWS endpoint; us-east-1 when it has none, as for IAM. */
export function regionOfName(name: string): string {
  if (name.length > longestName) return "";
  return /(?:^|\.)([a-z]{2}(?:-[a-z]+){1,3}-\d)\.amazonaws\.com$/.exec(name)?.[1] ?? "us-east-1";
}
