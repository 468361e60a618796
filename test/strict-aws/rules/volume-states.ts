import { DescribeInstancesCommand, DescribeVolumesCommand, type Volume } from "@aws-sdk/client-ec2";
import type { InstanceLives } from "../instance-lives.ts";
import { isOk, refuse, withXml, xmlOf, type Reply } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Behind, Next, Rule } from "../rule.ts";
import { changeAt, element, elementAt, textAt, type Element } from "../xml.ts";

interface Passing {
  readonly state: "attaching" | "detaching" | "busy";
  left: number;
  /** The attachment as it was shown before the emulator dropped it. */
  readonly attachments?: Element | undefined;
}

interface Known {
  readonly polls: number;
  readonly lives: InstanceLives;
  readonly behind: Behind;
}

/**
 * A volume takes several reads to be attached and detached, and a snapshot to be complete. A volume has one instance at a
 * time. One that is detached from an instance that isn't stopped stays there, because nobody unmounts it.
 */
export function volumeStates(known: Known): Rule {
  const volumes = new Map<string, Passing>();
  const snapshots = new Map<string, number>();
  return async (request, next) => {
    if (request.service !== "ec2") return next(request);
    const call = { request, next, known, volumes };
    if (request.operation === "AttachVolume") return attach(call);
    if (request.operation === "DetachVolume") return detach(call);
    if (request.operation === "DeleteVolume" && volumes.get(volumeOf(request))?.state === "detaching")
      return inUse(request);
    const reply = await next(request);
    if (request.operation === "DescribeVolumes") return showVolumes(reply, volumes);
    if (request.operation === "CreateSnapshot" && isOk(reply))
      snapshots.set(textAt(xmlOf(reply), "snapshotId"), known.polls);
    return request.operation === "DescribeSnapshots" ? showSnapshots(reply, snapshots) : reply;
  };
}

interface Call {
  readonly request: AwsRequest;
  readonly next: Next;
  readonly known: Known;
  readonly volumes: Map<string, Passing>;
}

const volumeOf = ({ fields }: AwsRequest): string => fields.get("VolumeId") ?? "";

async function attach({ request, next, known, volumes }: Call): Promise<Reply> {
  const id = volumeOf(request);
  const there = await readVolume(request, known.behind);
  if (volumes.has(id) || there?.Attachments?.length) return inUse(request);
  const instanceId = request.fields.get("InstanceId") ?? "";
  const state = await stateOf(request, known, instanceId);
  if (state !== undefined && state !== "running" && state !== "stopped")
    return refuse(request, {
      status: 400,
      code: "IncorrectState",
      message: `Instance '${instanceId}' is not 'running'.`,
    });
  const reply = await next(request);
  if (isOk(reply)) volumes.set(id, { state: "attaching", left: known.polls });
  return reply;
}

async function detach({ request, next, known, volumes }: Call): Promise<Reply> {
  const id = volumeOf(request);
  if (volumes.get(id)?.state === "detaching")
    return refuse(request, {
      status: 400,
      code: "IncorrectState",
      message: `Volume '${id}' is in the 'detaching' state.`,
    });
  const holder = (await readVolume(request, known.behind))?.Attachments?.[0]?.InstanceId ?? "";
  const shown = await readShown(request, next, id);
  if ((await stateOf(request, known, holder)) !== "stopped") {
    volumes.set(id, { state: "busy", left: Infinity });
    return withXml(
      { status: 200, headers: { "content-type": "text/xml;charset=UTF-8" }, body: Buffer.from("") },
      element("DetachVolumeResponse", [element("volumeId", id), element("status", "busy")]),
    );
  }
  const reply = await next(request);
  if (isOk(reply)) volumes.set(id, { state: "detaching", left: known.polls, attachments: shown });
  return reply;
}

function inUse(request: AwsRequest): Reply {
  const message = `${volumeOf(request)} is already attached to an instance`;
  return refuse(request, { status: 400, code: "VolumeInUse", message });
}

async function readVolume(request: AwsRequest, behind: Behind): Promise<Volume | undefined> {
  const { Volumes = [] } = await behind
    .clients(request.region)
    .ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: "volume-id", Values: [volumeOf(request)] }] }));
  return Volumes[0];
}

/** The state that a read would show, without counting as one. */
async function stateOf(
  request: AwsRequest,
  { behind, lives }: Known,
  id: string,
): Promise<string | undefined> {
  const passing = lives.peek(id);
  if (passing !== undefined) return passing;
  const { Reservations = [] } = await behind
    .clients(request.region)
    .ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: "instance-id", Values: [id] }] }));
  return Reservations[0]?.Instances?.[0]?.State?.Name;
}

function fieldsFor(request: AwsRequest, id: string): Map<string, string> {
  return new Map([
    ["Action", "DescribeVolumes"],
    ["Version", request.fields.get("Version") ?? ""],
    ["VolumeId.1", id],
  ]);
}

async function readShown(request: AwsRequest, next: Next, id: string): Promise<Element | undefined> {
  const read = { ...request, operation: "DescribeVolumes", kind: "read" as const };
  const root = xmlOf(await next({ ...read, fields: fieldsFor(request, id) }));
  return elementAt(root, "volumeSet/item/attachmentSet");
}

function showVolumes(reply: Reply, volumes: Map<string, Passing>): Reply {
  const root = xmlOf(reply);
  if (root === undefined) return reply;
  const show = (item: Element): Element => {
    const id = textAt(item, "volumeId");
    const passing = volumes.get(id);
    if (passing === undefined) return item;
    passing.left -= 1;
    if (passing.left < 0) {
      volumes.delete(id);
      return item;
    }
    const used = changeAt(item, "status", () => element("status", "in-use"));
    const { attachments } = passing;
    const held = attachments === undefined ? used : changeAt(used, "attachmentSet", () => attachments);
    return changeAt(held, "attachmentSet/item/status", () => element("status", passing.state));
  };
  return withXml(
    reply,
    changeAt(root, "volumeSet", (set) => ({ ...set, children: set.children.map(show) })),
  );
}

function showSnapshots(reply: Reply, snapshots: Map<string, number>): Reply {
  const root = xmlOf(reply);
  if (root === undefined) return reply;
  const show = (item: Element): Element => {
    const id = textAt(item, "snapshotId");
    const left = snapshots.get(id) ?? 0;
    if (left === 0) return item;
    snapshots.set(id, left - 1);
    return changeAt(item, "status", () => element("status", "pending"));
  };
  return withXml(
    reply,
    changeAt(root, "snapshotSet", (set) => ({ ...set, children: set.children.map(show) })),
  );
}
