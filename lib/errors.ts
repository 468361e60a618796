/** What the exit code of a command means; documented in docs/exit-codes.md. */
export const exitCodes = {
  done: 0,
  failed: 1,
  changesPending: 2,
  badInput: 3,
  leaseHeld: 4,
  releaseUnhealthy: 5,
  leftBehind: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface ErrorDetails {
  /** Stable and machine-readable, for example `AccessDenied` or `BadConfiguration`. */
  readonly code: string;
  /** What failed, on which named thing, with which id. One sentence, no full stop needed. */
  readonly message: string;
  /** The next command to run, or the next thing to do. */
  readonly hint?: string;
  /** Logical name of the resource concerned, as in lib/stack.ts. */
  readonly resource?: string;
  /** Lines that help to understand: the tail of a build or of a log. */
  readonly detail?: readonly string[];
  readonly cause?: unknown;
  readonly exitCode?: ExitCode;
}

/** The one error family. Everything a user can meet is one of these; it is printed in lib/command/command.ts and nowhere else. */
export class BerthError extends Error {
  override readonly name = "BerthError";
  readonly code: string;
  readonly hint: string | undefined;
  readonly resource: string | undefined;
  readonly detail: readonly string[];
  readonly exitCode: ExitCode;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.hint = details.hint;
    this.resource = details.resource;
    this.detail = details.detail ?? [];
    this.exitCode = details.exitCode ?? exitCodes.failed;
  }
}

/** What nobody thought of, as one of the family: Node itself would print it with all that others put into its message. */
export function unexpected(error: unknown): BerthError {
  const isError = error instanceof Error;
  return new BerthError({
    code: "Unexpected",
    message: isError ? `${error.name}: ${error.message}` : String(error),
    hint: "this is a mistake in Berth: please report it with the lines above",
    detail: isError ? (error.stack ?? "").split("\n").slice(1, 8) : [],
    cause: error,
  });
}

/**
 * A create that may have taken effect though no answer says so. Whoever asked looks for what it may have made before
 * asking again.
 */
export class LostReply extends Error {
  /** What came in place of the reply. Not `cause`: the SDK repeats a call when any cause of its error is of the network. */
  readonly reason: Error;

  constructor(operation: string, reason: Error) {
    super(`${operation} may have taken effect: ${reason.message}`);
    this.name = "LostReply";
    this.reason = reason;
  }
}
