import { createHash } from "node:crypto";
import { gzipSync } from "fflate";
import { archive } from "./archive.ts";
import { hostFiles } from "./host-files.ts";

/** All that makes a host of Berth, in one archive that is named by its content. */
export interface AgentBundle {
  readonly sha256: string;
  /** A tar archive, compressed with gzip. Its paths are those on the host, below `/`. */
  readonly content: Uint8Array;
}

/** Byte-identical for equal files, on every computer. */
export function packAgent(files = hostFiles()): AgentBundle {
  // Not node:zlib: what it makes of equal input differs between versions of Node and between processors.
  const content = gzipSync(archive(files), { level: 9, mtime: 0 });
  return { content, sha256: createHash("sha256").update(content).digest("hex") };
}
