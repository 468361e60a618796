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
  /** What failed, and on what, by name and id. One sentence; it needs no full stop. */
  readonly message: string;
  /** The next command to run, or the next thing to do. */
  readonly hint?: string;
  /** Logical name of the resource concerned, as in lib/stack.ts. */
  readonly resource?: string;
  /** Lines that help to understand the failure: the end of a build's output or of a log. */
  readonly detail?: readonly string[];
  readonly cause?: unknown;
  readonly exitCode?: ExitCode;
}

/** The base of every error that a user can meet. Only lib/command/command.ts prints it. */
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

/** Wraps an unforeseen error. Node would print its message raw, with anything that AWS or an app put into it. */
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
 * The reply to a create call was lost, so the call may have taken effect. The caller looks for the resource before it
 * creates again.
 */
export class LostReply extends Error {
  /** The error received instead of the reply. Not `cause`: the SDK retries a call if any cause of its error is a network error. */
  readonly reason: Error;

  constructor(operation: string, reason: Error) {
    super(`${operation} may have taken effect: ${reason.message}`);
    this.name = "LostReply";
    this.reason = reason;
  }
}

/**
 * A create call made a resource that came to nothing. Its id is noted, so that the next run knows that this one is gone,
 * and creates another instead of finding it again by its client token.
 */
export class MadeInVain extends BerthError {
  readonly id: string;

  constructor(id: string, details: ErrorDetails) {
    super(details);
    this.id = id;
  }
}
