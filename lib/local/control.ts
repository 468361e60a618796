import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import type { LocalCredentials } from "./access/drawn-credentials.ts";
import type { Endpoints } from "../aws/clients.ts";

/** What a supervisor says to those who connect: any number of notes, then how its start ended. One JSON object a line. */
export type ControlMessage =
  | { readonly event: "note"; readonly text: string }
  | {
      readonly event: "ready";
      readonly pid: number;
      readonly endpoints: Endpoints;
      readonly credentials: LocalCredentials;
    }
  | {
      readonly event: "failed";
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
      readonly detail: readonly string[];
    }
  | { readonly event: "ending"; readonly pid: number };

/** What the one who connects says first. `open` counts as a user for as long as the connection lasts. */
export type ControlRequest =
  | { readonly command: "open"; readonly pid: number }
  | { readonly command: "release"; readonly pid: number };

/** Stands for the directory in names of containers, networks and sockets. */
export function keyOf(directory: string): string {
  return createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 10);
}

/**
 * An abstract socket: the kernel lets one process listen on the name and frees it when that process is gone, however it
 * went. So it is the lock too, and there is nothing stale to clean up.
 */
export function controlSocketOf(directory: string): string {
  return `\0berth-local-${keyOf(directory)}`;
}
