import { createHash } from "node:crypto";

/** A loop device of its own for each machine, far above those that this computer gives out by itself. */
export function diskNumber(instanceId: string): number {
  const hash = createHash("sha256").update(instanceId).digest();
  return 4096 + (hash.readUInt32BE(0) % 900_000);
}
