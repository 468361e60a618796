import { isOk, refuse, type Reply } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";

interface Order {
  readonly parameters: string;
  readonly reply: Promise<Reply>;
}

/**
 * A repeated request with the same token is answered with what the first one created, even when that has been deleted
 * since. A different request with the same token is refused. A failed request doesn't use up its token.
 */
export function clientTokens(): Rule {
  const orders = new Map<string, Order>();
  return async (request, next) => {
    const { service, kind, region, operation, fields } = request;
    const token = fields.get("ClientToken");
    if (service !== "ec2" || kind === "read" || token === undefined) return next(request);
    const key = [region, operation, token].join(" ");
    const parameters = JSON.stringify([...fields].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const earlier = orders.get(key);
    if (earlier !== undefined) {
      return earlier.parameters === parameters ? earlier.reply : mismatch(request);
    }
    const reply = next(request);
    orders.set(key, { parameters, reply });
    const answered = await reply.catch(() => undefined);
    if (answered === undefined || !isOk(answered)) orders.delete(key);
    return reply;
  };
}

function mismatch(request: AwsRequest): Reply {
  return refuse(request, {
    status: 400,
    code: "IdempotentParameterMismatch",
    message: "The request uses the same client token as a previous, but non-identical request.",
  });
}
