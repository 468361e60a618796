import { BerthError, type ErrorDetails } from "../errors.ts";
import { invocation } from "../invocation.ts";
import { chosenProfile, credentialSource, isConsoleLogin } from "./credential-errors.ts";
import { errorCode, metadataOf, troubleOf, type Trouble } from "./errors.ts";

type Words = Pick<ErrorDetails, "message" | "hint" | "detail">;

const goesOn = "then run the same command again: it goes on where this one stopped";

/** The text for each kind of trouble. Its message continues the sentence that begins with `what`. */
const explanations: Readonly<Record<Trouble, (error: Error) => Words>> = {
  SignedOut: (error) => ({
    message: `profile ${chosenProfile()} is not signed in, or its session has expired`,
    hint: `run \`aws ${isConsoleLogin(error) ? "login" : "sso login"} --profile ${chosenProfile()}\`, ${goesOn}`,
    detail: [error.message],
  }),
  MfaCodeMissing: () => ({
    message: `profile ${chosenProfile()} needs a code of its MFA device, for which the SDK can't ask`,
    hint: `run \`eval "$(aws configure export-credentials --profile ${chosenProfile()} --format env)" && unset AWS_PROFILE\`, which asks for it, ${goesOn}`,
  }),
  NoCredentials: (error) => ({
    message: `no AWS credentials were found: ${credentialSource()} gives none`,
    detail: [`the SDK says: ${error.message}`],
    hint: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or add --local to use the embedded AWS",
  }),
  ExpiredCredentials: () => ({
    message: `the AWS credentials of ${credentialSource()} have expired`,
    hint: `log in again (for example \`aws sso login\`), ${goesOn}`,
  }),
  BadCredentials: (error) => ({
    message: `AWS doesn't accept the credentials of ${credentialSource()} (${errorCode(error)})`,
    hint: "check them with `aws sts get-caller-identity`; the region may also have to be enabled for the account",
  }),
  ClockSkewed: () => ({
    message: "this computer's clock is too far off for AWS",
    hint: `set the clock, ${goesOn}`,
  }),
  AccountNotReady: (error) => ({
    message: `the account can't use this yet (${error.message})`,
    hint: "finish the account's registration, or enable the region in its settings",
  }),
  AccessDenied: describeDenial,
  QuotaExceeded: (error) => ({
    message: `a quota of the account is used up (${errorCode(error)}: ${error.message})`,
    hint: `remove what isn't needed or ask for more in AWS's Service Quotas, ${goesOn}`,
  }),
  NoImage: (error) => ({
    message: `the machine image can't be used (${error.message})`,
    hint: `${invocation("up --upgrade-os")} takes the newest image (docs/state.md, "Pins")`,
  }),
  NoCapacity: (error) => ({
    message: `AWS can't give that now (${error.message})`,
    hint: "try later, or set another instance.type",
  }),
  TokenReused: () => ({
    message: "an earlier attempt asked for something else with the same token",
    hint: "run the same command again",
  }),
  Protected: (error) => ({
    message: `it is protected against that (${error.message})`,
    hint: `take the protection off in AWS, ${goesOn}`,
  }),
  Throttled: () => ({
    message: "AWS asked to slow down, and went on asking through all retries",
    hint: `wait a minute, ${goesOn}`,
  }),
  Unreachable: (error) => ({
    message: `${hostOf(error)} can't be reached (${error.message})`,
    hint: "check the network and the region's name",
  }),
};

/**
 * Explains an SDK error in a user's terms. `what` says what was being done (`up`), `resource` to which resource, if
 * known. A BerthError is returned unchanged, and so is any error that didn't come from AWS.
 */
export function explainAwsError(error: unknown, what: string, resource?: string): unknown {
  if (error instanceof BerthError || !(error instanceof Error)) return error;
  const trouble = troubleOf(error);
  const metadata = metadataOf(error);
  if (trouble === undefined && metadata === undefined) return error;
  const words =
    trouble === undefined ? describeOther(error, metadata?.requestId) : explanations[trouble](error);
  const code = trouble ?? errorCode(error);
  const about = resource === undefined ? {} : { resource };
  return new BerthError({ ...words, ...about, code, message: `${what}: ${words.message}`, cause: error });
}

// The code only says that access was denied. The action and the caller are named in the text alone.
function describeDenial(error: Error): Words {
  const [, caller = "the caller"] = /User: (\S+)/.exec(error.message) ?? [];
  const [, action] = /not authorized to perform: (\S+)/.exec(error.message) ?? [];
  const detail = [error.message];
  if (action === undefined)
    return { message: `${caller} may not do that`, hint: "grant the permission to the caller", detail };
  return {
    message: `${caller} may not call ${action}`,
    hint: `allow ${action} in a policy of the caller`,
    detail,
  };
}

function hostOf(error: Error): string {
  return "hostname" in error && typeof error.hostname === "string" ? error.hostname : "AWS";
}

function describeOther(error: Error, requestId: string | undefined): Words {
  return { message: error.message, detail: requestId === undefined ? [] : [`AWS request id ${requestId}`] };
}
