import { Line, line } from "./line.ts";
import type { Paint } from "./terminal.ts";

/** A line that the app or a host logged. */
export interface LogLine {
  /** ISO 8601, with milliseconds. */
  readonly at: string;
  /** `app-7-0`, `edge`, `agent` or `boot`. */
  readonly source: string;
  /** The instance's id. */
  readonly host: string;
  readonly text: string;
}

/** The fields of a line that is a JSON object. */
export function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The sources of a host and the replicas of the app are told apart by their colours, where there are any. */
export function logLine({ at, source, text }: LogLine, paint: Paint): Line {
  const colors = [paint.cyan, paint.green, paint.magenta, paint.blue, paint.yellow];
  const number = Number(/-(\d+)$/.exec(source)?.[1] ?? 0);
  const color = source.startsWith("app-") ? (colors[number % colors.length] ?? paint.cyan) : paint.dim;
  const time = Line.paint(paint.dim, at.replace("T", " ").replace("Z", ""));
  return line`${time}  ${Line.paint(color, source)}  ${shownText(text)}`.hanging(4);
}

/** What most loggers call the message and its level. Both are told first, and what is told elsewhere not again. */
const messageKeys = ["message", "msg"];
const levelKeys = ["level", "severity"];
const timeKeys = new Set(["time", "timestamp", "ts", "@timestamp"]);

function shownText(text: string): string {
  const fields = fieldsOf(text);
  const message = fields && messageKeys.find((key) => typeof fields[key] === "string");
  if (fields === undefined || message === undefined) return text;
  const level = levelKeys.find((key) => ["string", "number"].includes(typeof fields[key]));
  const rest = Object.entries(fields).filter(
    ([key]) => key !== message && key !== level && !timeKeys.has(key),
  );
  const told = rest.map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [...(level === undefined ? [] : [fields[level]]), fields[message], ...told].map(String).join(" ");
}
