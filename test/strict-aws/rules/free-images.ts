import { withXml, xmlOf } from "../reply.ts";
import type { Rule } from "../rule.ts";
import { changeAt, element, textAt } from "../xml.ts";

export interface FreeImages {
  /** The beginnings of the names of images that aren't eligible. */
  readonly except: readonly string[];
}

/** Says of each image whether an account on a free plan may launch it. The emulator leaves the field out. */
export function freeImages({ except }: FreeImages): Rule {
  return async (request, next) => {
    const reply = await next(request);
    const root = xmlOf(reply);
    if (request.service !== "ec2" || request.operation !== "DescribeImages" || root === undefined)
      return reply;
    return withXml(
      reply,
      changeAt(root, "imagesSet", (list) => ({
        ...list,
        children: list.children.map((image) => {
          const isFree = !except.some((start) => textAt(image, "name").startsWith(start));
          return { ...image, children: [...image.children, element("freeTierEligible", String(isFree))] };
        }),
      })),
    );
  };
}
