import { statSync } from "node:fs";
import { BerthError, exitCodes } from "../errors.ts";

/** The services that Berth calls, as the SDK spells them in `AWS_ENDPOINT_URL_S3`. */
const services = ["EC2", "ECR", "IAM", "ROUTE_53", "S3", "SSM", "STS"];
const endpointNames = ["AWS_ENDPOINT_URL", ...services.map((one) => `AWS_ENDPOINT_URL_${one}`)];
const defaultsModes = ["standard", "in-region", "cross-region", "mobile", "auto", "legacy"];

/**
 * Refuses variables that the SDK would fail on at its first call, without saying which one, or read as if they weren't set.
 * What the SDK knows a default for is left to it. Throws BerthError `BadEnvironment`.
 *
 * @param usesEndpoints false if the endpoints come from elsewhere, as those of the embedded AWS do
 */
export function checkEnvironment({ usesEndpoints }: { readonly usesEndpoints: boolean }): void {
  for (const name of usesEndpoints ? endpointNames : []) {
    const url = setting(name);
    if (url !== undefined && !isWebUrl(url))
      throw unusable(name, url, "isn't a URL such as https://s3.example.com");
  }
  const mode = setting("AWS_DEFAULTS_MODE");
  if (mode !== undefined && !defaultsModes.includes(mode.toLowerCase())) {
    throw unusable("AWS_DEFAULTS_MODE", mode, `is none of ${defaultsModes.join(", ")}`);
  }
  for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) {
    const path = setting(name);
    if (path !== undefined && isFolder(path)) throw unusable(name, path, "is a folder; it has to be a file");
  }
}

/** The SDK takes an empty variable for one that isn't set. */
export const setting = (name: string): string | undefined => process.env[name] || undefined;

/** `localhost:4566` is a URL too, of a protocol called `localhost`. */
function isWebUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function unusable(name: string, value: string, what: string): BerthError {
  return new BerthError({
    code: "BadEnvironment",
    message: `the variable ${name} is set to ${JSON.stringify(value)}, which ${what}`,
    hint: `correct ${name}, or take it away: \`unset ${name}\``,
    exitCode: exitCodes.badInput,
  });
}
