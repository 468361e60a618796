import { refuse, type Reply, withXml, xmlOf } from "../reply.ts";
import { idInPath } from "../route53-operation.ts";
import type { Rule } from "../rule.ts";
import { changeAt, element } from "../xml.ts";

export interface RecordChanges {
  /** How many looks at a change show PENDING first. */
  readonly polls: number;
  /** How many changes of each zone are refused first, because another one isn't complete. */
  readonly busy: number;
}

/** Route 53 takes one change of a zone at a time, and then tells its name servers, which takes a while. */
export function recordChanges({ polls, busy }: RecordChanges): Rule {
  const pending = new Map<string, number>();
  const refused = new Map<string, number>();
  return async (request, next) => {
    if (request.service !== "route53") return next(request);
    if (request.operation === "GetChange") {
      const id = idInPath(request.url);
      const left = pending.get(id) ?? 0;
      pending.set(id, left - 1);
      return withStatus(await next(request), { id, status: left > 0 ? "PENDING" : "INSYNC" });
    }
    if (request.operation !== "ChangeResourceRecordSets") return next(request);
    const zone = idInPath(request.url);
    const times = refused.get(zone) ?? 0;
    refused.set(zone, times + 1);
    if (times < busy) {
      const message = "The request was rejected because Route 53 was still processing a prior request.";
      return refuse(request, { status: 400, code: "PriorRequestNotComplete", message });
    }
    const id = `C${request.number}`;
    pending.set(id, polls);
    return withStatus(await next(request), { id, status: polls > 0 ? "PENDING" : "INSYNC" });
  };
}

function withStatus(reply: Reply, { id, status }: { readonly id: string; readonly status: string }): Reply {
  const root = xmlOf(reply);
  if (root === undefined) return reply;
  const said = changeAt(root, "ChangeInfo/Status", () => element("Status", status));
  const named = changeAt(said, "ChangeInfo/Id", () => element("Id", `/change/${id}`));
  return withXml(reply, named);
}
