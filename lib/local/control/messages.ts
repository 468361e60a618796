import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import type { LocalCredentials } from "../account/drawn-credentials.ts";
import type { Endpoints } from "../../aws/clients.ts";

/** A supervisor's messages to a client: any number of notes, then how the start ended. One JSON object per line. */
export type ControlMessage =
  | { readonly event: "note"; readonly text: string }
  | {
      readonly event: "ready";
      readonly pid: number;
      readonly endpoints: Endpoints;
      readonly credentials: LocalCredentials;
      /** `address:port` of the name server that knows the zones of the emulated Route 53. */
      readonly nameServer?: string | undefined;
    }
  | {
      readonly event: "failed";
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
      readonly detail: readonly string[];
    }
  | { readonly event: "ending"; readonly pid: number };

/**
 * What a client is told that connects after `message`. A note is about the start: what is built in the background sends
 * some after it, and they must not take the place of how it ended, which is all that a client waits for.
 */
export const toldAfter = (told: ControlMessage, message: ControlMessage): ControlMessage =>
  message.event === "note" && told.event !== "note" ? told : message;

/** A client's first message. A client that sends `open` counts as a user for as long as its connection lasts. */
export type ControlRequest =
  | { readonly command: "open"; readonly pid: number }
  | { readonly command: "release"; readonly pid: number };

/** Represents the directory in the names of containers and networks. */
export function keyOf(directory: string): string {
  return createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 10);
}

/** File names in the directory of one embedded AWS. */
export const controlFiles = {
  /** The supervisor's socket. The next supervisor replaces a socket that a killed one left. */
  socket: "control.socket",
  /**
   * Generated at each start and readable by its owner only. Each side proves that it can read the secret, see
   * handshake.ts.
   */
  secret: "control.secret",
  /** Locked by the supervisor that runs. */
  lock: "control.lock",
} as const;

/** In the directory of the embedded AWS: the authority that its Let's Encrypt issues from, as PEM, once it has started. */
export const webAuthorityFile = "web-authority.pem";
