import type { FinalizeHandler, HandlerExecutionContext, MiddlewareStack } from "@smithy/types";
import { LostReply } from "../errors.ts";
import { isThrottle, metadataOf } from "./errors.ts";
import { operationName } from "./operation-name.ts";

// A second call of one of these creates another resource, or is refused because of the first. Berth's other creates
// have a client token, by which AWS recognises a repeated call. Two of these could have one too, but AWS would answer
// it with the first resource even when that has been deleted.
const creates = new Set([
  "AllocateAddress",
  "CreateInstanceProfile",
  "CreateInternetGateway",
  "CreateRepository",
  "CreateRole",
  "CreateRouteTable",
  "CreateSecurityGroup",
  "CreateSnapshot",
  "CreateSubnet",
  "CreateVpc",
  "CreateVpcEndpoint",
]);

interface Repeating<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/**
 * Keeps the SDK from retrying a create whose reply was lost, because a retry would create a second resource. Refusals
 * and throttling are answers and are handled as usual. This middleware runs inside the SDK's retry loop, so it sees
 * each attempt.
 */
export function reportLostReplies<Input extends object, Output extends object>({
  middlewareStack,
}: Repeating<Input, Output>): void {
  middlewareStack.addRelativeTo(
    (
      next: FinalizeHandler<Input, Output>,
      context: HandlerExecutionContext,
    ): FinalizeHandler<Input, Output> =>
      async (args) => {
        try {
          return await next(args);
        } catch (error) {
          const operation = operationName(context);
          if (!creates.has(operation) || !(error instanceof Error)) throw error;
          if (unsent.has(error) || isAnswer(error)) throw error;
          throw new LostReply(operation, error);
        }
      },
    { relation: "after", toMiddleware: "retryMiddleware", name: "berthLostReply" },
  );
}

const unsent = new WeakSet<Error>();

/** Runs what is done just before a call is sent. If that fails, nothing was sent and no reply can have been lost. */
export async function beforeSending(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error) unsent.add(error);
    throw error;
  }
}

// With these codes no connection was made, so nothing was sent.
const unreachable = new Set(["ECONNREFUSED", "EAI_AGAIN", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"]);

function isAnswer(error: Error): boolean {
  if (isThrottle(error)) return true;
  const status = metadataOf(error)?.httpStatusCode;
  // An error with a success status means that the answer was cut off in the middle.
  if (status !== undefined) return status >= 400 && status < 500;
  return "code" in error && typeof error.code === "string" && unreachable.has(error.code);
}
