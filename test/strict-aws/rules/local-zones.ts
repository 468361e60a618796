import { withXml, xmlOf } from "../reply.ts";
import type { Rule } from "../rule.ts";
import { changeAt, element, elementAt, textAt } from "../xml.ts";

/**
 * Offers each instance type in a Local Zone too. Its name sorts before the names of the region's own zones, and an
 * account can't use it unless it has opted in.
 */
export function localZones(): Rule {
  return async (request, next) => {
    const reply = await next(request);
    if (request.service !== "ec2" || request.operation !== "DescribeInstanceTypeOfferings") return reply;
    const root = xmlOf(reply);
    const [offered] = elementAt(root, "instanceTypeOfferingSet")?.children ?? [];
    if (root === undefined || offered === undefined) return reply;
    const there = element("item", [
      element("instanceType", textAt(offered, "instanceType")),
      element("location", `${request.region}-ham-1a`),
      element("locationType", "availability-zone"),
    ]);
    return withXml(
      reply,
      changeAt(root, "instanceTypeOfferingSet", (list) => ({ ...list, children: [there, ...list.children] })),
    );
  };
}
