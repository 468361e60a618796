/** What a system error means to the caller. Only this file knows the kernel's and Node's error codes. */
const meanings = {
  /** No such file, command or socket. */
  absent: ["ENOENT"],
  /** Something exists at the path. A folder that isn't empty can't be replaced either. */
  occupied: ["EEXIST", "ENOTEMPTY"],
  "not a folder": ["ENOTDIR"],
  "a symbolic link": ["ELOOP"],
  /** The file's permissions forbid it. */
  "not permitted": ["EACCES"],
  /** The process belongs to another user. */
  "not ours": ["EPERM"],
  /** No process has this id. */
  "no process": ["ESRCH"],
  /** Nothing listens on the socket. */
  unanswered: ["ECONNREFUSED"],
  /** The other side closed the connection, or this side gave up. */
  "cut off": ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE", "ABORT_ERR"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type SystemFailure = keyof typeof meanings;

/** Whether the error is a system error with one of these meanings. */
export function isSystemFailure(error: unknown, ...failures: readonly SystemFailure[]): boolean {
  const code = systemCodeOf(error);
  return failures.some((failure) => meanings[failure].some((one) => one === code));
}

/** The error's code, if it has one: `ENOENT`. Only for display; use `isSystemFailure` to act on the meaning. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
