import type { FinalizeHandler, HandlerExecutionContext, MiddlewareStack } from "@smithy/types";
import { LostReply } from "../errors.ts";
import { isThrottle, metadataOf } from "./errors.ts";
import { operationName } from "./operation-name.ts";

// A second call of these makes another one, or is refused because of the first. What else Berth creates has a client token
// by which AWS knows a repeated call. Two of these could have one, but AWS answers it with what it made first even when
// that is gone by now.
const creates = new Set([
  "AllocateAddress",
  "CreateInstanceProfile",
  "CreateInternetGateway",
  "CreateRepository",
  "CreateRole",
  "CreateRouteTable",
  "CreateSecurityGroup",
  "CreateSubnet",
  "CreateVpc",
  "CreateVpcEndpoint",
]);

interface Repeating<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/**
 * Keeps the SDK from repeating a create whose reply got lost: it would make a second one. Refusals and throttling are
 * answers, and are treated as ever. Stands inside of the SDK's loop of retries, so it sees each try.
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

/** For what is done just before a call is sent: if it fails, there is no reply that could have got lost. */
export async function beforeSending(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Error) unsent.add(error);
    throw error;
  }
}

// With these no connection came about: nothing was sent.
const unreachable = new Set(["ECONNREFUSED", "EAI_AGAIN", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"]);

function isAnswer(error: Error): boolean {
  if (isThrottle(error)) return true;
  const status = metadataOf(error)?.httpStatusCode;
  // With a status of success the answer was cut off in the middle.
  if (status !== undefined) return status >= 400 && status < 500;
  return "code" in error && typeof error.code === "string" && unreachable.has(error.code);
}
