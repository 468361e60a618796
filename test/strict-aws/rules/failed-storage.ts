import { isOk, withXml, xmlOf, type Reply } from "../reply.ts";
import type { Rule } from "../rule.ts";
import { changeAt, element, textAt, type Element } from "../xml.ts";

export interface FailedStorage {
  /** How many new volumes end in the state `error`, as with a key that EBS may not use. */
  readonly volumes?: number;
  /** How many new snapshots end in the state `error`. */
  readonly snapshots?: number;
}

/** Volumes and snapshots that AWS accepts and that come to nothing. */
export function failedStorage({ volumes = 0, snapshots = 0 }: FailedStorage): Rule {
  const left = new Map([
    ["CreateVolume", volumes],
    ["CreateSnapshot", snapshots],
  ]);
  const failed = new Set<string>();
  return async (request, next) => {
    const reply = await next(request);
    if (request.service !== "ec2" || !isOk(reply)) return reply;
    const times = left.get(request.operation) ?? 0;
    if (times > 0) {
      left.set(request.operation, times - 1);
      failed.add(textAt(xmlOf(reply), request.operation === "CreateVolume" ? "volumeId" : "snapshotId"));
    }
    const set = { DescribeVolumes: "volumeSet", DescribeSnapshots: "snapshotSet" }[request.operation];
    return set === undefined ? reply : show(reply, set, failed);
  };
}

function show(reply: Reply, set: string, failed: ReadonlySet<string>): Reply {
  const root = xmlOf(reply);
  if (root === undefined) return reply;
  const id = set === "volumeSet" ? "volumeId" : "snapshotId";
  const shown = (item: Element): Element =>
    failed.has(textAt(item, id)) ? changeAt(item, "status", () => element("status", "error")) : item;
  return withXml(
    reply,
    changeAt(root, set, (all) => ({ ...all, children: all.children.map(shown) })),
  );
}
