/**
 * Names of variables that often hold secrets. A plan goes into the logs of CI systems, so in doubt a value stays hidden.
 */
const secretName =
  /pass|pwd|secret|token|key|cred|auth|priv|cert|sign|salt|seed|dsn|cookie|session|webhook|license|licence|conn|(^|_)pin(_|$)/i;

/** A word in one case, a number, or a number with its unit: what is generated rarely looks like this. */
const plainWord =
  /^(?:[A-Za-z]?[a-z]{0,20}|[A-Z]{1,20}|[0-9]{1,8}|[a-z]{1,12}[0-9]{1,4}|[0-9]{1,6}[A-Za-z]{1,3})$/;
const longestPlain = 100;

/**
 * Whether the value of an environment variable may be shown: neither its name nor its form suggests a secret. `production`,
 * `30s`, `true` and `http://api.example.com:8080/v1` may; `hunter2-x9Kq`, a URL with a user, and any value of `API_KEY` not.
 */
export function isPlain(name: string, value: string): boolean {
  if (secretName.test(name) || value.length > longestPlain || value.includes("@")) return false;
  const words = value.split(/[ .,:;/_+=-]+/).filter((word) => word !== "");
  return words.every((word) => plainWord.test(word));
}
