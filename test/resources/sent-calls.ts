import type { MiddlewareStack } from "@smithy/types";
import type { Clients } from "../../lib/aws/clients.ts";
import { operationName } from "../../lib/aws/operation-name.ts";

/** A call as it was asked for: what of it goes to AWS, before the SDK writes it down. */
export interface Sent {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Every call of the clients from now on, as it was asked for. The calls go on as ever. */
export function recordSent({ ec2, ecr, iam, s3, ssm, sts }: Clients): Sent[] {
  const sent: Sent[] = [];
  record(ec2.middlewareStack, sent);
  record(ecr.middlewareStack, sent);
  record(iam.middlewareStack, sent);
  record(s3.middlewareStack, sent);
  record(ssm.middlewareStack, sent);
  record(sts.middlewareStack, sent);
  return sent;
}

function record<Input extends object, Output extends object>(
  stack: MiddlewareStack<Input, Output>,
  sent: Sent[],
): void {
  stack.add(
    (next, context) => async (args) => {
      sent.push({ operation: operationName(context), input: Object.fromEntries(Object.entries(args.input)) });
      return next(args);
    },
    { step: "initialize", name: "recordSent" },
  );
}
