import { z } from "zod";
import { keptLines, linesOf, shorten } from "../build-failure.ts";
import { formatBytes } from "../records.ts";
import { TransferProgress } from "../transfer-progress.ts";
import { decode } from "./protocol.ts";

const status = z.object({
  vertexes: z.array(
    z.object({
      digest: z.string(),
      name: z.string().default(""),
      cached: z.boolean().default(false),
      started: z.object({}).optional(),
      error: z.string().default(""),
    }),
  ),
  statuses: z.array(
    z.object({
      ID: z.string().default(""),
      vertex: z.string().default(""),
      current: z.number().default(0),
      total: z.number().default(0),
    }),
  ),
  logs: z.array(z.object({ vertex: z.string(), msg: z.instanceof(Uint8Array).default(new Uint8Array()) })),
});

/** One step of a build: an instruction of the Dockerfile, or something that BuildKit does for itself. */
interface Vertex {
  /** What a user reads: `step 3/8 RUN go build`. Absent for what takes no time. */
  readonly title: string | undefined;
  /** The stage that the step belongs to, where the Dockerfile names it. */
  readonly stage: string | undefined;
  readonly isInstruction: boolean;
  readonly transfer: TransferProgress;
  hasBegun: boolean;
  error: string;
  /** The end of what the step wrote. */
  output: string;
}

const mostOutput = 16 * 1024;

/** Reads what BuildKit tells about a build: https://github.com/moby/buildkit, `StatusResponse`. */
export class BuildTrace {
  readonly #vertexes = new Map<string, Vertex>();
  #last = "";

  /** @returns the lines that tell what begins or goes on now, none of them twice in a row. */
  add(base64: string): string[] {
    const { vertexes, statuses, logs } = decode(
      "moby.buildkit.v1.StatusResponse",
      status,
      Buffer.from(base64, "base64"),
    );
    const begun = vertexes.flatMap((vertex) => this.#begin(vertex));
    for (const { vertex, msg } of logs) this.#write(vertex, Buffer.from(msg).toString("utf8"));
    const lines = [...begun, ...statuses.flatMap((one) => this.#goOn(one))];
    return lines.filter((line) => {
      const isNew = line !== this.#last;
      this.#last = line;
      return isNew;
    });
  }

  /** Whether an instruction of the Dockerfile has begun. */
  get hasBegun(): boolean {
    return [...this.#vertexes.values()].some(({ isInstruction, hasBegun }) => isInstruction && hasBegun);
  }

  /** The step that failed. Others are then cancelled, which isn't their failure. */
  failed(): { readonly step: string; readonly output: readonly string[] } | undefined {
    const broken = [...this.#vertexes.values()].filter(({ error }) => error !== "");
    const vertex = broken.find(({ error }) => !/context cancell?ed/.test(error)) ?? broken[0];
    if (vertex?.title === undefined) return undefined;
    const step = vertex.stage === undefined ? vertex.title : `${vertex.title} in stage ${vertex.stage}`;
    return { step, output: linesOf(vertex.output).slice(1 - keptLines) };
  }

  #begin(told: z.output<typeof status>["vertexes"][number]): string[] {
    const vertex = this.#vertexes.get(told.digest) ?? describe(told.name);
    this.#vertexes.set(told.digest, vertex);
    vertex.error = told.error;
    if (vertex.hasBegun || told.started === undefined || told.cached) return [];
    vertex.hasBegun = true;
    return vertex.title === undefined ? [] : [vertex.title];
  }

  #write(digest: string, text: string): void {
    const vertex = this.#vertexes.get(digest);
    if (vertex !== undefined) vertex.output = (vertex.output + text).slice(-mostOutput);
  }

  #goOn({ ID, vertex: digest, current, total }: z.output<typeof status>["statuses"][number]): string[] {
    const vertex = this.#vertexes.get(digest);
    if (vertex?.title === undefined) return [];
    if (ID.startsWith("transferring "))
      return current === 0 ? [] : [`${vertex.title}, ${formatBytes(current)}`];
    const line = vertex.transfer.add(ID, { current, total });
    return line === undefined ? [] : [`${vertex.title}, ${line}`];
  }
}

/** BuildKit's own names for what isn't an instruction, with the words for a user. */
const titles: readonly (readonly [RegExp, string])[] = [
  [/^\[internal\] load metadata for (.*)/, "looking up $1"],
  [/^\[internal\] load build context/, "sending the source"],
  [/^resolve image config for (.*)/, "looking up the builder $1"],
  [/^docker-image:\/\/(.*)/, "loading the builder $1"],
  [/^exporting to .*/s, "storing the image"],
];

function describe(name: string): Vertex {
  const [, stage, number, instruction = ""] = /^\[(?:(\S+) +)?(\d+\/\d+)\] (.*)/s.exec(name) ?? [];
  const isInstruction = number !== undefined;
  const [pattern, words] = titles.find(([one]) => one.test(name)) ?? [];
  const title = isInstruction
    ? `step ${number} ${instruction}`
    : pattern && words && name.replace(pattern, words);
  return {
    title: title === undefined ? undefined : shorten(title),
    // BuildKit makes up a name for a stage that has none.
    stage: stage === undefined || /^stage-\d+$/.test(stage) ? undefined : stage,
    isInstruction,
    transfer: new TransferProgress("loading"),
    hasBegun: false,
    error: "",
    output: "",
  };
}
