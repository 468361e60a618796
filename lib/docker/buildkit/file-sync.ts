import { once } from "node:events";
import type { Readable } from "node:stream";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { z } from "zod";
import { describeMethod } from "./protocol.ts";
import type { Method } from "./session.ts";

/** An entry of a folder, as BuildKit gets it. */
export interface SentEntry {
  readonly stat: {
    readonly path: string;
    /** As in Go's `os.FileMode`. */
    readonly mode: number;
    readonly size?: number;
    /** Nanoseconds since 1970. */
    readonly modTime?: string;
    readonly linkname?: string;
  };
  /** The content of a file; absent for anything else. */
  readonly open?: () => Readable;
}

/** The folders that a build may read, by the names that BuildKit has for them. */
export type SentFolders = ReadonlyMap<string, readonly SentEntry[]>;

const packet = z.object({ type: z.int().default(0), ID: z.int().default(0) });
type Asked = z.output<typeof packet>;

interface Packet {
  readonly type: number;
  readonly ID?: number;
  readonly stat?: SentEntry["stat"];
  readonly data?: Buffer;
}

const [statPacket, requestPacket, dataPacket, finPacket, errorPacket] = [0, 1, 2, 3, 4];

type Call = ServerDuplexStream<Asked, Packet>;

/**
 * Sends folders to BuildKit. Every build gets whole folders, because BuildKit compares what it has from an earlier one
 * by size and time only. `onFailure` is called when a folder can't be sent; the build then fails too.
 */
export function fileSync(folders: SentFolders, onFailure: (error: unknown) => void): Method {
  return {
    definition: describeMethod<Asked, Packet>("moby.filesync.v1.FileSync", "DiffCopy", packet),
    answer: (call: Call) => {
      call.once("cancelled", () => call.destroy());
      send(call, entriesFor(call, folders)).then(
        () => call.end(),
        async (error: unknown) => {
          if (call.cancelled) return;
          onFailure(error);
          call.write({ type: errorPacket, data: Buffer.from(String(error)) });
          call.end();
        },
      );
    },
  };
}

/** BuildKit asks for the ignore rules first. It gets none, because the folder holds only what they include. */
function entriesFor({ metadata }: Call, folders: SentFolders): readonly SentEntry[] {
  const isForRules = metadata.get("followpaths").join() === ".dockerignore";
  return isForRules ? [] : (folders.get(String(metadata.get("dir-name")[0])) ?? []);
}

async function send(call: Call, entries: readonly SentEntry[]): Promise<void> {
  for (const { stat } of entries) await write(call, { type: statPacket, stat });
  await write(call, { type: statPacket });
  // Leaving the loop must not destroy the call, which has yet to say how it ended.
  for await (const asked of call.iterator({ destroyOnReturn: false })) {
    const { type, ID }: Asked = asked;
    if (type === errorPacket) throw new Error("BuildKit could not store the source");
    if (type === finPacket) return write(call, { type: finPacket });
    if (type === requestPacket) await sendContent(call, ID, entries[ID]);
  }
}

async function sendContent(call: Call, ID: number, entry: SentEntry | undefined): Promise<void> {
  if (entry?.open === undefined) throw new Error(`BuildKit asked for the content of ${ID}, which has none`);
  for await (const chunk of entry.open()) {
    const data: Buffer = chunk;
    await write(call, { type: dataPacket, ID, data });
  }
  await write(call, { type: dataPacket, ID });
}

async function write(call: Call, message: Packet): Promise<void> {
  if (!call.write(message)) await once(call, "drain");
}
