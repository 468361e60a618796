import { withXml, xmlOf } from "../reply.ts";
import type { Rule } from "../rule.ts";
import { changeAt, textAt } from "../xml.ts";

/** The only zones that offer an instance type, by its name. The emulator offers every type everywhere. */
export type OfferedZones = Readonly<Record<string, readonly string[]>>;

export function offeredZones(zones: OfferedZones): Rule {
  return async (request, next) => {
    const reply = await next(request);
    if (request.service !== "ec2" || request.operation !== "DescribeInstanceTypeOfferings") return reply;
    const root = xmlOf(reply);
    if (root === undefined) return reply;
    return withXml(
      reply,
      changeAt(root, "instanceTypeOfferingSet", (set) => ({
        ...set,
        children: set.children.filter((one) => {
          const only = zones[textAt(one, "instanceType")];
          return only === undefined || only.includes(textAt(one, "location"));
        }),
      })),
    );
  };
}
