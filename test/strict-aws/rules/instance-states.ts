import { DescribeInstancesCommand, type Instance } from "@aws-sdk/client-ec2";
import type { Hold, InstanceLives } from "../instance-lives.ts";
import { withXml, xmlOf, type Reply } from "../reply.ts";
import { filterOf, listOf, withoutFilter, type AwsRequest } from "../request.ts";
import type { Behind, Next, Rule } from "../rule.ts";
import { changeAt, element, elementAt, textAt, type Element } from "../xml.ts";

const codes: Record<string, string> = { pending: "0", "shutting-down": "32", stopping: "64" };

/** Instances take several reads from `pending` to `running` and from `shutting-down` to `terminated`. */
export function instanceStates(lives: InstanceLives, behind: Behind): Rule {
  return async (request, next) => {
    if (request.service !== "ec2") return next(request);
    if (request.operation === "DescribeInstances") return describe(request, next, lives);
    if (request.operation === "TerminateInstances") return terminate({ request, next, lives, behind });
    const passing = { RunInstances: "pending", StartInstances: "pending", StopInstances: "stopping" }[
      request.operation
    ];
    const reply = await next(request);
    if (passing !== undefined) for (const id of instanceIds(reply)) lives.begin(id, passing);
    return reply;
  };
}

function instanceIds(reply: Reply): string[] {
  const set = xmlOf(reply)?.children.find(({ name }) => name === "instancesSet");
  return (set?.children ?? []).map((item) => textAt(item, "instanceId"));
}

interface Termination {
  readonly request: AwsRequest;
  readonly next: Next;
  readonly lives: InstanceLives;
  readonly behind: Behind;
}

async function terminate({ request, next, lives, behind }: Termination): Promise<Reply> {
  const ids = listOf(request, "InstanceId");
  // Read first, because the emulator then forgets where the instances were.
  const { Reservations = [] } = await behind
    .clients(request.region)
    .ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: "instance-id", Values: ids }] }));
  const found = Reservations.flatMap(({ Instances = [] }) => Instances);
  const interfaces = await readInterfaces(request, next, ids);
  const reply = await next(request);
  const root = xmlOf(reply);
  if (root === undefined) return reply;
  for (const instance of found) {
    const { InstanceId: id = "", State } = instance;
    if (!lives.isEnding(id) && State?.Name !== "terminated")
      lives.begin(id, "shutting-down", holdOf(instance, interfaces));
  }
  const shown = (item: Element) =>
    changeAt(item, "currentState", () => stateElement("currentState", "shutting-down"));
  return withXml(
    reply,
    changeAt(root, "instancesSet", (set) => ({ ...set, children: set.children.map(shown) })),
  );
}

/** Reads the interfaces in the emulator's format, to show them after it has forgotten them. */
async function readInterfaces(request: AwsRequest, next: Next, ids: readonly string[]): Promise<Element[]> {
  const operation = "DescribeNetworkInterfaces";
  const fields = new Map([
    ["Action", operation],
    ["Version", request.fields.get("Version") ?? ""],
    ["Filter.1.Name", "attachment.instance-id"],
    ...ids.map((id, at): [string, string] => [`Filter.1.Value.${at + 1}`, id]),
  ]);
  const root = xmlOf(await next({ ...request, operation, kind: "read", fields }));
  return [...(elementAt(root, "networkInterfaceSet")?.children ?? [])];
}

function holdOf(instance: Instance, interfaces: readonly Element[]): Hold {
  const { SecurityGroups = [], NetworkInterfaces = [] } = instance;
  return {
    instanceId: instance.InstanceId ?? "",
    vpcId: instance.VpcId ?? "",
    subnetId: instance.SubnetId ?? "",
    // The emulator lists the groups in one place or the other.
    groupIds: [SecurityGroups, ...NetworkInterfaces.map(({ Groups = [] }) => Groups)]
      .flat()
      .flatMap(({ GroupId }) => GroupId ?? []),
    isPublic: instance.PublicIpAddress !== undefined,
    interfaces: interfaces.filter((one) => textAt(one, "attachment/instanceId") === instance.InstanceId),
  };
}

/** The state filter must match the states that are shown. */
async function describe(request: AwsRequest, next: Next, lives: InstanceLives): Promise<Reply> {
  const wanted = filterOf(request, "instance-state-name");
  const reply = await next(withoutFilter(request, "instance-state-name"));
  const root = xmlOf(reply);
  if (root === undefined) return reply;
  const isWanted = (item: Element) =>
    wanted === undefined || wanted.includes(textAt(item, "instanceState/name"));
  const reservation = (one: Element) =>
    changeAt(one, "instancesSet", (set) => ({
      ...set,
      children: set.children.map((item) => withState(item, lives)).filter(isWanted),
    }));
  const isThere = (one: Element) => textAt(one, "instancesSet/item/instanceId") !== "";
  return withXml(
    reply,
    changeAt(root, "reservationSet", (set) => ({
      ...set,
      children: set.children.map(reservation).filter(isThere),
    })),
  );
}

function withState(item: Element, lives: InstanceLives): Element {
  const state = lives.look(textAt(item, "instanceId"));
  if (state === undefined) return item;
  return changeAt(item, "instanceState", () => stateElement("instanceState", state));
}

function stateElement(name: string, state: string): Element {
  return element(name, [element("code", codes[state] ?? ""), element("name", state)]);
}
