import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import type { LocalCredentials } from "../account/drawn-credentials.ts";
import type { Endpoints } from "../../aws/clients.ts";

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

/** Stands for the directory in names of containers and networks. */
export function keyOf(directory: string): string {
  return createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 10);
}

/** Names in the directory of one embedded AWS. */
export const controlFiles = {
  /** Where the supervisor listens. What one that was killed left is replaced by the next. */
  socket: "control.socket",
  /** Drawn at each start, for its owner to read. Either side proves with it that it can, see control-handshake.ts. */
  secret: "control.secret",
  /** Held by the one supervisor that runs. */
  lock: "control.lock",
} as const;
