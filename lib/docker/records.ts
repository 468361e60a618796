import { splitLines } from "../lines.ts";
/** One progress record of the engine during a build or push. Each field is present only where it applies. */
export interface EngineRecord {
  readonly stream?: string;
  readonly status?: string;
  /** A layer's short id, in a push. */
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** A text where BuildKit tells of its progress, with `id` being `moby.buildkit.trace`. */
  readonly aux?: string | Facts;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string; readonly code?: number };
}

interface Facts {
  /** The image's id, at the end of a build. */
  readonly ID?: string;
  /** The manifest's digest, at the end of a push. */
  readonly Digest?: string;
}

/** What the record says about the image, if it does. */
export const factsOf = ({ aux }: EngineRecord): Facts => (typeof aux === "object" ? aux : {});

/**
 * The records of an engine's answer, in order. A failed build or push is a record with `error`; the answer itself ends
 * as if it had succeeded, so a caller must check every record.
 */
export async function* readRecords(answer: NodeJS.ReadableStream): AsyncGenerator<EngineRecord> {
  const lines = splitLines(answer, { longestBytes: Number.POSITIVE_INFINITY, takesOpenEnd: true });
  for await (const line of lines) if (line.trim() !== "") yield parseRecord(line);
}

function parseRecord(line: string): EngineRecord {
  const record: EngineRecord = JSON.parse(line);
  return record;
}

/** The error message, if this record reports one. */
export function recordedError(record: EngineRecord): string | undefined {
  return record.errorDetail?.message ?? record.error;
}

/** Decimal units, as registries and the docker command count: `5.9 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}
