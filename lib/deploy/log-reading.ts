import { type FilteredLogEvent, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import { setTimeout as sleep } from "node:timers/promises";
import { isNotFound } from "../aws/errors.ts";
import type { ReadContext } from "../contract/resource.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import type { LogLine } from "../report/log-line.ts";

export interface LogQuery {
  readonly group: string;
  /** Streams that begin so: `app/app-7-`. */
  readonly prefixes: readonly string[];
  readonly sinceMs: number;
  /** Only lines that contain this text. */
  readonly grep?: string | undefined;
}

const lookMs = 2_000;
/** How late a line may come and still be followed. Little where there is much, because all of it is read again. */
const lateMs = { usual: 120_000, busy: 10_000 };
const busyLook = 5_000;
/** From here on, a look takes so long that people should know. */
const behindMs = 20_000;
/** How often people are told. */
const tellMs = 5_000;

/** Everything that CloudWatch has for the query now, oldest first. @throws BerthError `NoLogs` */
export async function* readLogs(ctx: ReadContext, query: LogQuery): AsyncGenerator<LogLine> {
  for await (const event of readEvents(ctx, query)) if (matches(query, event)) yield lineOf(event);
}

/**
 * First what there is, then what comes, until the context's signal ends it. Each line once; those of one look are in the
 * order of their time. `onBehind` is told every few seconds how many milliseconds old the line is that comes next, where a
 * look has much to read.
 */
export async function* followLogs(
  ctx: ReadContext,
  query: LogQuery,
  onBehind: (ms: number) => void = () => {},
): AsyncGenerator<LogLine> {
  let seen = new Map<string, number>();
  let { sinceMs } = query;
  let toldMs = 0;
  for (;;) {
    let newestMs = sinceMs;
    let read = 0;
    for await (const event of readEvents(ctx, { ...query, sinceMs })) {
      const { eventId = "", timestamp = 0 } = event;
      read += 1;
      newestMs = Math.max(newestMs, timestamp);
      if (seen.has(eventId)) continue;
      seen.set(eventId, timestamp);
      const nowMs = Date.now();
      // Not once the look is done: where lines come faster than they can be read, it never is.
      if (read > busyLook && nowMs - timestamp > behindMs && nowMs - toldMs >= tellMs) {
        toldMs = nowMs;
        onBehind(nowMs - timestamp);
      }
      if (matches(query, event)) yield lineOf(event);
    }
    const late = read > busyLook ? lateMs.busy : lateMs.usual;
    sinceMs = Math.max(query.sinceMs, Math.min(newestMs, Date.now()) - late);
    seen = new Map([...seen].filter(([, timestamp]) => timestamp >= sinceMs));
    await sleep(ctx.timings?.longestMs ?? lookMs, undefined, { signal: ctx.signal });
  }
}

/** Of all prefixes, merged by time. */
async function* readEvents(ctx: ReadContext, query: LogQuery): AsyncGenerator<FilteredLogEvent> {
  const sources = query.prefixes.map((prefix) => readStreams(ctx, query, prefix));
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    const open = heads.filter(({ next }) => next.done !== true);
    const first = open.toSorted((one, other) => timeOf(one.next.value) - timeOf(other.next.value))[0];
    if (first?.next.value === undefined) return;
    yield first.next.value;
    first.next = await first.source.next();
  }
}

const timeOf = (event: FilteredLogEvent | undefined): number => event?.timestamp ?? 0;

/** Page by page, so that a day of logs needs no more memory than a page. CloudWatch sorts by time over all streams. */
async function* readStreams(
  ctx: ReadContext,
  { group, sinceMs }: LogQuery,
  prefix: string,
): AsyncGenerator<FilteredLogEvent, undefined> {
  // Without `interleaved`, moto answers stream by stream. CloudWatch itself no longer looks at it.
  const input = { logGroupName: group, logStreamNamePrefix: prefix, startTime: sinceMs, interleaved: true };
  try {
    for await (const { events = [] } of paginateFilterLogEvents({ client: ctx.clients.logs }, input)) {
      ctx.signal.throwIfAborted();
      // moto ignores the prefix.
      yield* events.filter(({ logStreamName = "" }) => logStreamName.startsWith(prefix));
    }
  } catch (error) {
    throw isNotFound(error) ? noLogs(`there is no log group ${group}`) : error;
  }
  return undefined;
}

const matches = ({ grep }: LogQuery, { message = "" }: FilteredLogEvent): boolean =>
  grep === undefined || message.includes(grep);

/** Streams are `app/app-7-0/i-0abc` and `agent/i-0abc`. */
function lineOf({ timestamp = 0, message = "", logStreamName = "" }: FilteredLogEvent): LogLine {
  const parts = logStreamName.split("/");
  const [kind = "", name = kind] = parts;
  return {
    at: new Date(timestamp).toISOString(),
    source: kind === "app" ? name : kind,
    host: parts.at(-1) ?? "",
    text: message,
  };
}

export function noLogs(why: string): BerthError {
  return new BerthError({
    code: "NoLogs",
    message: `${why}, so the hosts send no logs`,
    hint: `add logs: {} to berth.yaml, then ${invocation("up")}`,
    exitCode: exitCodes.badInput,
  });
}
