import { randomBytes, timingSafeEqual } from "node:crypto";

/** The access key that one start of the embedded AWS creates for this user's commands. */
export interface LocalCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Creates new credentials. Their form differs from AWS's, so that secret scanners don't report them. */
export function drawCredentials(): LocalCredentials {
  return {
    accessKeyId: `berth-${randomBytes(8).toString("hex")}`,
    secretAccessKey: `berth-local-${randomBytes(32).toString("hex")}`,
  };
}

export const drawSecret = (): string => randomBytes(32).toString("hex");

/** Compares in constant time, so that the duration tells nothing about the secret. */
export function isSecret(shown: string, secret: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}
