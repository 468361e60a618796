import type { Hold, InstanceLives } from "../instance-lives.ts";
import { withXml, xmlOf } from "../reply.ts";
import { filterOf, type AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";
import { changeAt, textAt, type Element } from "../xml.ts";

/** A terminated instance's network interface stays listed as long as it holds its group and subnet. */
export function lingeringInterfaces(lives: InstanceLives): Rule {
  return async (request, next) => {
    const reply = await next(request);
    if (request.service !== "ec2" || request.operation !== "DescribeNetworkInterfaces") return reply;
    const root = xmlOf(reply);
    if (root === undefined) return reply;
    const lingering = lives.holds
      .filter((hold) => isAsked(request, hold))
      .flatMap(({ interfaces }) => interfaces);
    const withThem = (list: Element) => {
      const there = new Set(list.children.map(idOf));
      return { ...list, children: [...list.children, ...lingering.filter((one) => !there.has(idOf(one)))] };
    };
    return withXml(reply, changeAt(root, "networkInterfaceSet", withThem));
  };
}

const idOf = (one: Element): string => textAt(one, "networkInterfaceId");

function isAsked(request: AwsRequest, { vpcId, subnetId, groupIds, instanceId }: Hold): boolean {
  const observed = {
    "vpc-id": [vpcId],
    "subnet-id": [subnetId],
    "group-id": groupIds,
    "attachment.instance-id": [instanceId],
  };
  return Object.entries(observed).every(([name, values]) => {
    const wanted = filterOf(request, name);
    return wanted === undefined || values.some((value) => wanted.includes(value));
  });
}
