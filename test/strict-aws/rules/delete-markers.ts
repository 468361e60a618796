import type { Rule } from "../rule.ts";

/** Says that a missing object was deleted, where a delete marker is its newest version. The emulator says so to HEAD only. */
export function deleteMarkers(): Rule {
  return async (request, next) => {
    const reply = await next(request);
    if (request.service !== "s3" || request.operation !== "GetObject" || reply.status !== 404) return reply;
    const head = await next({ ...request, operation: "HeadObject", method: "HEAD" });
    const marker = head.headers["x-amz-delete-marker"];
    return marker === undefined
      ? reply
      : { ...reply, headers: { ...reply.headers, "x-amz-delete-marker": marker } };
  };
}
