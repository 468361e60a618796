import type { AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";

/**
 * No rule of AWS's: an endpoint that speaks like AWS and answers every list with all there is, the filters, prefixes and regions that
 * were asked for notwithstanding. Some emulators and gateways are so for some calls.
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
