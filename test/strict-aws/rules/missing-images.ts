import { refuse, xmlOf } from "../reply.ts";
import { listOf } from "../request.ts";
import type { Rule } from "../rule.ts";
import { elementAt, textAt } from "../xml.ts";

/** Refuses to describe an image by an id that isn't there. The emulator answers with an empty list. */
export function missingImages(): Rule {
  return async (request, next) => {
    const reply = await next(request);
    if (request.service !== "ec2" || request.operation !== "DescribeImages") return reply;
    const shown = elementAt(xmlOf(reply), "imagesSet");
    if (shown === undefined) return reply;
    const ids = new Set(shown.children.map((item) => textAt(item, "imageId")));
    const missing = listOf(request, "ImageId").filter((id) => !ids.has(id));
    if (missing.length === 0) return reply;
    const message = `The image id '[${missing.join(", ")}]' does not exist`;
    return refuse(request, { status: 400, code: "InvalidAMIID.NotFound", message });
  };
}
