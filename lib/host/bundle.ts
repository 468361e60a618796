import { createHash } from "node:crypto";
import { gzipSync } from "fflate";
import { archive } from "./archive.ts";
import { hostFiles } from "./host-files.ts";

/** All files of the agent, in one archive that is named by its content hash. */
export interface AgentBundle {
  readonly sha256: string;
  /** A gzipped tar archive. Its paths are those on the host, relative to `/`. */
  readonly content: Uint8Array;
}

/** Packs the agent. Equal files give identical bytes on every computer. */
export function packAgent(files = hostFiles()): AgentBundle {
  // Not node:zlib: its output for equal input differs between versions of Node and between processors.
  const content = gzipSync(archive(files), { level: 9, mtime: 0 });
  return { content, sha256: createHash("sha256").update(content).digest("hex") };
}
