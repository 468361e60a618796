import { badArguments } from "../lib/command/flags.ts";
import { type Outcome, runCommand } from "../lib/command/command.ts";
import type { Session } from "../lib/command/session.ts";
import { followLogs, type LogQuery, noLogs, readLogs } from "../lib/deploy/log-reading.ts";
import { exitCodes } from "../lib/errors.ts";
import { durationText } from "../lib/release/figures.ts";
import type { LogLine } from "../lib/report/log-line.ts";

/** The streams of each source begin so. */
const sources: Readonly<Record<string, readonly string[]>> = {
  app: ["app/"],
  edge: ["edge/"],
  host: ["agent/", "boot/"],
};

async function logs(session: Session): Promise<Outcome> {
  const { ctx, flags, report } = session;
  const query = queryOf(session);
  let shown = 0;
  const show = (line: LogLine) => {
    shown += 1;
    report.log(line);
  };
  if (flags.follow) {
    const onBehind = (ms: number) => report.message(`${durationText(ms)} behind what is logged`);
    for await (const line of followLogs(ctx, query, onBehind)) show(line);
  }
  for await (const line of readLogs(ctx, query)) show(line);
  if (shown === 0) report.message(nothing(query, flags.since));
  return { outcome: "done", exitCode: exitCodes.done };
}

function queryOf({ config, flags, names }: Session): LogQuery {
  const [source = "app"] = flags.operands;
  const prefixes = sources[source];
  if (prefixes === undefined) throw badArguments(`logs of app, edge or host, not of "${source}"`, "logs");
  if (flags.release !== undefined && source !== "app")
    throw badArguments("--release is for logs of the app", "logs");
  const sinceMs = Date.now() - ageOf(flags.since);
  if (config.logs === undefined) throw noLogs("berth.yaml has no logs");
  return {
    group: names.logGroup,
    prefixes: flags.release === undefined ? prefixes : [`app/app-${numberOf(flags.release)}-`],
    sinceMs,
    grep: flags.grep,
  };
}

function nothing({ grep }: LogQuery, since: string): string {
  const what = grep === undefined ? "nothing was logged" : "no line has that text";
  return `${what} in the last ${since}; lines take some seconds to arrive`;
}

function numberOf(release: string): string {
  if (!/^[1-9][0-9]{0,9}$/.test(release))
    throw badArguments(`--release takes a number, not "${release}"`, "logs");
  return release;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** In milliseconds. */
function ageOf(since: string): number {
  const [, amount = "", unit = ""] = /^([1-9][0-9]{0,4})([smhd])$/.exec(since) ?? [];
  const factor = units[unit];
  if (factor === undefined)
    throw badArguments(`--since takes a time such as 10m, 2h or 1d, not "${since}"`, "logs");
  return Number(amount) * factor;
}

await runCommand({
  name: "logs",
  summary: "shows what the app, the edge or the host logged",
  usesSource: false,
  operands: "[app|edge|host]",
  examples: [
    ["berth logs", "of the app, the last 10 minutes"],
    ["berth logs --follow --grep error", "what comes from now on too, until Ctrl-C"],
    ["berth logs --release 7 --since 2h", "of that release alone"],
    ["berth logs edge", "the requests that failed"],
  ],
  help: [
    "Of the app, if nothing else is named. The edge logs each request that failed, the host what Berth does there.",
    "Needs logs: {} in berth.yaml. Lines of all replicas and hosts are merged by their time, which is UTC.",
    "Changes nothing. Exit codes: 0 done, 1 failed, 3 bad input, 130 ended by Ctrl-C, as --follow is.",
  ],
  isEndless: ({ follow }) => follow,
  run: logs,
});
