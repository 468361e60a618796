import { partition } from "@aws-sdk/core/client";
import { releaseKey } from "../../release/document.ts";
import { hostReportKey } from "../../release/reports.ts";
import { agentKey, bundleKey } from "../delivery/agent.ts";

export interface HostRights {
  readonly region: string;
  readonly account: string;
  /** Name of the state bucket. */
  readonly bucket: string;
  /** Name of the repository that the app's images are in. */
  readonly repository: string;
}

/** What the host may do: pull its own images, read its own release and agent, say how it is. */
export function hostPolicy({ region, account, bucket, repository }: HostRights) {
  const aws = partition(region).name;
  const bucketArn = `arn:${aws}:s3:::${bucket}`;
  const allow = (actions: readonly string[], resource: string) => ({
    Effect: "Allow",
    Action: actions,
    Resource: resource,
  });
  return {
    Version: "2012-10-17",
    Statement: [
      // AWS knows no narrower resource for the registry's token.
      allow(["ecr:GetAuthorizationToken"], "*"),
      allow(
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        `arn:${aws}:ecr:${region}:${account}:repository/${repository}`,
      ),
      // Without ListBucket a release that isn't there yet would read as "denied".
      allow(["s3:ListBucket"], bucketArn),
      allow(["s3:GetObject"], `${bucketArn}/${releaseKey}`),
      allow(["s3:GetObject"], `${bucketArn}/${agentKey}`),
      allow(["s3:GetObject"], `${bucketArn}/${bundleKey("*")}`),
      allow(["s3:PutObject"], `${bucketArn}/${hostReportKey("*")}`),
    ],
  };
}
