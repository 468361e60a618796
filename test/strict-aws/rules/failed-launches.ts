import { DescribeSubnetsCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { isOk, refuse, withXml, xmlOf } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Behind, Rule } from "../rule.ts";
import { changeAt, element, elementAt, textAt, type Element } from "../xml.ts";

export interface FailedLaunches {
  /** Why a new instance ends right after its launch, one reason for each launch: `Server.InternalError`. Empty for one that runs. */
  readonly reasons?: readonly string[];
  /** The zones that have no capacity. */
  readonly fullZones?: readonly string[];
}

/** Launches that AWS accepts and that come to nothing, and launches that it refuses for lack of capacity. */
export function failedLaunches({ reasons = [], fullZones = [] }: FailedLaunches, behind: Behind): Rule {
  const left = [...reasons];
  const failed = new Map<string, string>();
  return async (request, next) => {
    if (request.service !== "ec2") return next(request);
    if (request.operation === "RunInstances" && fullZones.includes(await zoneOf(request, behind))) {
      const message = "We currently do not have sufficient capacity in the Availability Zone you requested.";
      return refuse(request, { status: 500, code: "InsufficientInstanceCapacity", message });
    }
    const reply = await next(request);
    const root = xmlOf(reply);
    if (root === undefined || !isOk(reply)) return reply;
    const reason = request.operation === "RunInstances" ? left.shift() : undefined;
    if (reason !== undefined && reason !== "") {
      const ids = (elementAt(root, "instancesSet")?.children ?? []).map((one) => textAt(one, "instanceId"));
      await behind.clients(request.region).ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));
      for (const id of ids) failed.set(id, reason);
    }
    return request.operation === "DescribeInstances" ? withXml(reply, withReasons(root, failed)) : reply;
  };
}

async function zoneOf({ fields, region }: AwsRequest, behind: Behind): Promise<string> {
  const id = fields.get("NetworkInterface.1.SubnetId") ?? fields.get("SubnetId");
  if (id === undefined) return "";
  const command = new DescribeSubnetsCommand({ Filters: [{ Name: "subnet-id", Values: [id] }] });
  const { Subnets = [] } = await behind.clients(region).ec2.send(command);
  return Subnets[0]?.AvailabilityZone ?? "";
}

function withReasons(root: Element, failed: ReadonlyMap<string, string>): Element {
  const instance = (item: Element) => {
    const reason = failed.get(textAt(item, "instanceId"));
    if (reason === undefined) return item;
    const told = element("stateReason", [
      element("code", reason),
      element("message", `${reason}: Internal error on launch`),
    ]);
    return { ...item, children: [...item.children.filter(({ name }) => name !== "stateReason"), told] };
  };
  const reservation = (one: Element) =>
    changeAt(one, "instancesSet", (set) => ({ ...set, children: set.children.map(instance) }));
  return changeAt(root, "reservationSet", (set) => ({ ...set, children: set.children.map(reservation) }));
}
