import { randomBytes, timingSafeEqual } from "node:crypto";

/** The key pair of one start of the embedded AWS, for the commands of this user. */
export interface LocalCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** New ones. Neither looks like a pair of AWS's to whoever scans for secrets. */
export function drawCredentials(): LocalCredentials {
  return {
    accessKeyId: `berth-${randomBytes(8).toString("hex")}`,
    secretAccessKey: `berth-local-${randomBytes(32).toString("hex")}`,
  };
}

export const drawSecret = (): string => randomBytes(32).toString("hex");

/** Takes as long for a nearly right one as for any other of its length. */
export function isSecret(shown: string, secret: string): boolean {
  const [one, other] = [Buffer.from(shown), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}
