/** The profile that the SDK reads. */
export const chosenProfile = (): string => process.env["AWS_PROFILE"] ?? "default";

/** Where the SDK looks for credentials first, as a user knows it. */
export function credentialSource(): string {
  const { AWS_PROFILE: profile, AWS_ACCESS_KEY_ID: key } = process.env;
  if (profile === undefined && key !== undefined) return "the variable AWS_ACCESS_KEY_ID";
  return `profile ${chosenProfile()}${profile === undefined ? "" : " (from AWS_PROFILE)"}`;
}

// The SDK gives all of these the same name and no code. Only the text distinguishes them.
const texts = {
  SignedOut:
    /sso login|SSO session|SSO Token|Token is expired|re-authenticate using aws login|aws\/login\/cache|UnauthorizedException/i,
  MfaCodeMissing: /multi-factor authentication/i,
} as const;

/** What has to be done before the SDK can have credentials: sign in, or enter the code of an MFA device. */
type CredentialTrouble = keyof typeof texts;

const names = new Set(["CredentialsProviderError", "TokenProviderError"]);

/** The SDK found no credentials, or couldn't use what it found. */
export const isNoCredentials = (error: unknown): error is Error =>
  error instanceof Error && names.has(error.name);

export function credentialTrouble(error: unknown): CredentialTrouble | undefined {
  if (!isNoCredentials(error)) return undefined;
  if (texts.SignedOut.test(error.message)) return "SignedOut";
  return texts.MfaCodeMissing.test(error.message) ? "MfaCodeMissing" : undefined;
}

/** Whether the profile signs in with `aws login`, and not with IAM Identity Center. */
export const isConsoleLogin = ({ message }: Error): boolean => /aws login|aws\/login\/cache/.test(message);
