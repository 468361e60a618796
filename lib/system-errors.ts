/** What a failure of the system means to whoever called it: the one place that knows the kernel's and Node's codes for it. */
const meanings = {
  /** No such file, command, socket. */
  absent: ["ENOENT"],
  /** Something is there already; a folder that isn't empty can't be taken the place of either. */
  occupied: ["EEXIST", "ENOTEMPTY"],
  "not a folder": ["ENOTDIR"],
  "a symbolic link": ["ELOOP"],
  /** The owner of a file lets nobody else near it. */
  "not permitted": ["EACCES"],
  /** A process of another user's. */
  "not ours": ["EPERM"],
  /** No process has that id. */
  "no process": ["ESRCH"],
  /** A socket at which nobody listens. */
  unanswered: ["ECONNREFUSED"],
  /** The other side is gone, or this one has given up. */
  "cut off": ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE", "ABORT_ERR"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type SystemFailure = keyof typeof meanings;

/** Whether an error is the system's, and means one of these. */
export function isSystemFailure(error: unknown, ...failures: readonly SystemFailure[]): boolean {
  const code = systemCodeOf(error);
  return failures.some((failure) => meanings[failure].some((one) => one === code));
}

/** The code of an error that has one: `ENOENT`. For showing it; `isSystemFailure` tells what it means. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
