import { partition } from "@aws-sdk/core/client";
import { releaseKey } from "../../release/document.ts";
import { certificatePrefix, httpsKey } from "../../release/https.ts";
import { hostReportKey } from "../../release/reports.ts";
import { parseSource } from "../../aws/secrets.ts";
import { agentKey, bundleKey } from "../delivery/agent.ts";

export interface HostRights {
  readonly region: string;
  readonly account: string;
  /** The name of the state bucket. */
  readonly bucket: string;
  /** The name of the ECR repository for the app's images. */
  readonly repository: string;
  /** The name of the log group; absent if the hosts send no logs. */
  readonly logGroup?: string | undefined;
  /** The namespace in CloudWatch; absent if the hosts send no metrics. */
  readonly metrics?: string | undefined;
  /** `app.secrets`: sources by variable. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Whether Session Manager may open shells on the hosts. */
  readonly shell: boolean;
}

/** Lets EC2 give the role to a host. EC2's name depends on the partition: in China it ends with `.cn`. */
export function hostTrust({ region }: Pick<HostRights, "region">) {
  const Principal = { Service: `ec2.${partition(region).dnsSuffix}` };
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }],
  };
}

/**
 * What the host may do: pull its own images, read its own release, agent and secrets, write its report, keep its
 * certificates.
 */
export function hostPolicy(rights: HostRights) {
  const { region, account, bucket, repository } = rights;
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
      // AWS accepts no narrower resource for this action.
      allow(["ecr:GetAuthorizationToken"], "*"),
      allow(
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        `arn:${aws}:ecr:${region}:${account}:repository/${repository}`,
      ),
      // Without ListBucket, S3 answers "access denied" for a release that doesn't exist yet.
      allow(["s3:ListBucket"], bucketArn),
      allow(["s3:GetObject"], `${bucketArn}/${releaseKey}`),
      allow(["s3:GetObject"], `${bucketArn}/${agentKey}`),
      allow(["s3:GetObject"], `${bucketArn}/${bundleKey("*")}`),
      allow(["s3:PutObject"], `${bucketArn}/${hostReportKey("*")}`),
      allow(["s3:GetObject"], `${bucketArn}/${httpsKey}`),
      allow(["s3:GetObject", "s3:PutObject"], `${bucketArn}/${certificatePrefix}*`),
      ...logStatements(rights),
      ...metricStatements(rights),
      ...secretStatements(rights),
      ...shellStatements(rights),
    ],
  };
}

/** Writing into the stack's own group, and reading nothing. */
function logStatements({ region, account, logGroup }: HostRights) {
  if (logGroup === undefined) return [];
  const Resource = `arn:${partition(region).name}:logs:${region}:${account}:log-group:${logGroup}:*`;
  return [{ Effect: "Allow", Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource }];
}

/** What AWS lists for Session Manager alone. AWS accepts no narrower resource for the channels. */
function shellStatements({ shell }: HostRights) {
  if (!shell) return [];
  const channels = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"];
  const Action = ["ssm:UpdateInstanceInformation", ...channels.map((one) => `ssmmessages:${one}`)];
  return [{ Effect: "Allow", Action, Resource: "*" }];
}

/** Writing into the stack's own namespace. AWS knows no resource for this action. */
function metricStatements({ metrics }: HostRights) {
  if (metrics === undefined) return [];
  const Condition = { StringEquals: { "cloudwatch:namespace": metrics } };
  return [{ Effect: "Allow", Action: ["cloudwatch:PutMetricData"], Resource: "*", Condition }];
}

/** Reading exactly the app's secrets. Their keys may be used by the services that hold them, and for these secrets only. */
function secretStatements({ region, account, secrets }: HostRights) {
  const { name: aws, dnsSuffix } = partition(region);
  const arns = (service: "ssm" | "secretsmanager", toArn: (name: string) => string) =>
    [
      ...new Set(
        Object.values(secrets)
          .map(parseSource)
          .filter((one) => one.service === service)
          .map(({ name }) => toArn(name)),
      ),
    ].toSorted();
  const place = `${region}:${account}`;
  const parameters = arns("ssm", (name) => `arn:${aws}:ssm:${place}:parameter/${name.replace(/^\//, "")}`);
  // Secrets Manager ends each ARN with six characters of its own.
  const entries = arns(
    "secretsmanager",
    (name) => `arn:${aws}:secretsmanager:${place}:secret:${name}-??????`,
  );
  const reading = (service: string, operation: string, context: string, Resource: readonly string[]) =>
    Resource.length === 0
      ? []
      : [
          { Effect: "Allow", Action: [`${service}:${operation}`], Resource },
          {
            Effect: "Allow",
            Action: ["kms:Decrypt"],
            Resource: `arn:${aws}:kms:${place}:key/*`,
            Condition: {
              StringEquals: { "kms:ViaService": `${service}.${region}.${dnsSuffix}` },
              StringLike: { [`kms:EncryptionContext:${context}`]: Resource },
            },
          },
        ];
  return [
    ...reading("ssm", "GetParameter", "PARAMETER_ARN", parameters),
    ...reading("secretsmanager", "GetSecretValue", "SecretARN", entries),
  ];
}
