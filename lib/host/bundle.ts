import { createHash } from "node:crypto";
import { packed } from "./archive.ts";
import { hostFiles } from "./host-files.ts";

/** All files of the agent, in one archive that is named by its content hash. */
export interface AgentBundle {
  readonly sha256: string;
  /** A gzipped tar archive. Its paths are those on the host, relative to `/`. */
  readonly content: Uint8Array;
}

/** Packs the agent. Equal files give identical bytes on every computer. */
export function packAgent(files = hostFiles()): AgentBundle {
  // Each plan packs it, and few upload it: compression would take a fifth of a plan's processor time, to save 200 KB.
  const content = packed(files, "fast");
  return { content, sha256: createHash("sha256").update(content).digest("hex") };
}
