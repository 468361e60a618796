import { isAlreadyExists, isNotYetVisible } from "../aws/errors.ts";
import { retry } from "../poll.ts";
import type { WriteContext } from "../contract/resource.ts";

// EC2 and IAM answer from many places, and a new thing reaches some of them seconds later than others.
const visibleTimeoutMs = 60_000;

/** Makes a call that refers to things which may have been made a moment ago; waits while AWS doesn't know them everywhere. */
export function onceVisible<T>(ctx: WriteContext, what: string, attempt: () => Promise<T>): Promise<T> {
  return retry(ctx, { what, timeoutMs: visibleTimeoutMs, retryOn: isNotYetVisible, attempt });
}

/** Calls what makes something; that it is there already is as good. Answers whether this call made it. */
export async function unlessThere(step: Promise<unknown>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return false;
  }
}

/** An id in an answer that AWS always gives, though its types say it may not. */
export function requireId(id: string | undefined, operation: string): string {
  if (id === undefined) throw new TypeError(`${operation} answered without an id`);
  return id;
}
