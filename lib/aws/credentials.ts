import { loadSharedConfigFiles } from "@smithy/core/config";
import { BerthError } from "../errors.ts";
import { chosenProfile, credentialTrouble, isNoCredentials } from "./credential-errors.ts";

/**
 * Finds out why the SDK has no credentials. Its own message often says only that no provider had any: it drops what a
 * credential process said, and that a profile doesn't exist. Other errors are returned unchanged.
 */
export async function explainCredentials(error: unknown): Promise<unknown> {
  const file = unreadFile(error);
  if (file !== undefined) return noTokenFile(file, error);
  if (!isNoCredentials(error) || credentialTrouble(error) !== undefined) return error;
  const name = chosenProfile();
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  const profile = { ...configFile[name], ...credentialsFile[name] };
  if (profile["credential_process"] !== undefined) return processFailed(name);
  const sections = new Set([...Object.keys(configFile), ...Object.keys(credentialsFile)]);
  const names = [...sections].filter((one) => !/^(sso-session|services)\./.test(one));
  const isKnown = names.includes(name);
  return process.env["AWS_PROFILE"] === undefined || isKnown ? error : unknownProfile(name, names);
}

function unknownProfile(name: string, names: readonly string[]): BerthError {
  const known = names.length === 0 ? "there are none" : `there are ${names.toSorted().join(", ")}`;
  return new BerthError({
    code: "UnknownProfile",
    message: `AWS_PROFILE names the profile ${name}, which your AWS configuration doesn't have: ${known}`,
    hint: `set AWS_PROFILE to one that \`aws configure list-profiles\` lists, or make it with \`aws configure --profile ${name}\``,
  });
}

/** Runs the process again, because the SDK drops what it said. */
async function processFailed(name: string): Promise<BerthError> {
  const { fromProcess } = await import("@aws-sdk/credential-provider-process");
  const reason = await fromProcess({ profile: name })().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const [first = "it gave some when it was asked again", ...rest] = reason?.trim().split("\n") ?? [];
  return new BerthError({
    code: "CredentialProcessFailed",
    message: `the credential_process of profile ${name} gave no credentials: ${first}`,
    hint: `run \`aws sts get-caller-identity --profile ${name}\` until it works, then run the same command again`,
    detail: rest.slice(-10),
  });
}

/** A web identity's token is a file, and the SDK passes on the system's error for it. */
function unreadFile(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("path" in error)) return undefined;
  return error.syscall === "open" && typeof error.path === "string" ? error.path : undefined;
}

function noTokenFile(path: string, cause: unknown): BerthError {
  return new BerthError({
    code: "NoCredentials",
    message: `the credentials are to come from the file ${path}, which can't be read`,
    hint: `look at web_identity_token_file of profile ${chosenProfile()}, or at AWS_WEB_IDENTITY_TOKEN_FILE`,
    cause,
  });
}
