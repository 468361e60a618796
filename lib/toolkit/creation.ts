import { isAlreadyExists, isNotYetVisible } from "../aws/errors.ts";
import { retry } from "../poll.ts";
import type { WriteContext } from "../contract/resource.ts";

// EC2 and IAM are eventually consistent: a new resource may take seconds to be visible everywhere.
const visibleTimeoutMs = 60_000;

/** Makes a call that refers to resources which may be new, and repeats it until AWS knows them everywhere. */
export function onceVisible<T>(ctx: WriteContext, what: string, attempt: () => Promise<T>): Promise<T> {
  return retry(ctx, { what, timeoutMs: visibleTimeoutMs, retryOn: isNotYetVisible, attempt });
}

/** Awaits a create call; "already exists" is success too. Returns whether this call created the resource. */
export async function unlessThere(step: Promise<unknown>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return false;
  }
}

/** The id from a response. AWS always sends it, though the SDK's types say that it may be missing. */
export function requireId(id: string | undefined, operation: string): string {
  if (id === undefined) throw new TypeError(`${operation} answered without an id`);
  return id;
}
