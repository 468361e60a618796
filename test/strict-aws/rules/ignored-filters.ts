import type { AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";

/**
 * Not AWS behaviour: an endpoint that answers like AWS but lists everything, whatever filter, prefix or region was
 * requested. Some emulators and gateways do that for some calls.
 */
export function ignoredFilters(): Rule {
  return (request, next) => next(request.kind === "read" ? unfiltered(request) : request);
}

function unfiltered(request: AwsRequest): AwsRequest {
  if (request.service === "s3") {
    return request.operation === "ListBuckets"
      ? { ...request, url: request.url.replace(/\?.*/, "") }
      : request;
  }
  const kept = [...request.fields].filter(([key]) => !/^(Filter\.\d+\.|PathPrefix$)/.test(key));
  return { ...request, fields: new Map(kept) };
}
