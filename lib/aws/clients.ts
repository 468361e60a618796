import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECRClient } from "@aws-sdk/client-ecr";
import { IAMClient } from "@aws-sdk/client-iam";
import { Route53Client } from "@aws-sdk/client-route-53";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import type { MiddlewareStack } from "@smithy/types";
import { setting } from "./environment.ts";
import { beforeSending, reportLostReplies } from "./lost-reply.ts";
import { operationName } from "./operation-name.ts";

export interface Clients {
  readonly cloudWatch: CloudWatchClient;
  readonly ec2: EC2Client;
  readonly ecr: ECRClient;
  readonly iam: IAMClient;
  readonly logs: CloudWatchLogsClient;
  readonly route53: Route53Client;
  readonly s3: S3Client;
  readonly secretsManager: SecretsManagerClient;
  readonly sns: SNSClient;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
}

/** The endpoint of each service when it isn't AWS itself. URLs, without a trailing slash. */
export interface Endpoints {
  readonly cloudWatch: string;
  readonly ec2: string;
  readonly ecr: string;
  readonly iam: string;
  readonly logs: string;
  readonly route53: string;
  readonly s3: string;
  readonly secretsManager: string;
  readonly sns: string;
  readonly ssm: string;
  readonly sts: string;
  /** `host:port` that replaces the registry's name in a push. Pulls on a host always use the real name. */
  readonly registry: string;
}

/** All services at one URL. */
export const endpointsAt = (url: string, registry: string): Endpoints => ({
  cloudWatch: url,
  ec2: url,
  ecr: url,
  iam: url,
  logs: url,
  route53: url,
  s3: url,
  secretsManager: url,
  sns: url,
  ssm: url,
  sts: url,
  registry,
});

export interface Call {
  readonly service: string;
  readonly operation: string;
  readonly kind: "read" | "write";
  readonly durationMs: number;
  /** `ok`, or the error's name. */
  readonly outcome: string;
}

interface Timeouts {
  /** Until a connection is made. */
  readonly connectionMs: number;
  /** Until the answer begins, and between two parts of it. */
  readonly answerMs: number;
}

/**
 * Both together are shorter than a lease. The SDK's own limits are up to 15 minutes, or none. BERTH_ANSWER_SECONDS is for tests
 * that hold an answer back for longer.
 */
export const defaultTimeouts: Timeouts = {
  connectionMs: 5_000,
  answerMs: (Number(process.env["BERTH_ANSWER_SECONDS"]) || 20) * 1000,
};

export interface ClientOptions {
  readonly region: string;
  readonly endpoints?: Endpoints | undefined;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly maxAttempts?: number;
  /** Called once for every call, when it has ended. The SDK's own retries don't count as further calls. */
  readonly onCall?: (call: Call) => void;
  /**
   * Called before every call that isn't a read; throws to refuse it. `plan` refuses all writes, a lost lease all
   * further ones.
   */
  readonly beforeWrite?: ((call: { service: string; operation: string }) => Promise<void> | void) | undefined;
  /** Shorter ones for tests. */
  readonly timeouts?: Timeouts;
  /** Clients to share connections and credentials with, so that nothing is opened or requested twice. */
  readonly connectionsOf?: Clients;
}

const readOperation = /^(Describe|Get|List|Head|BatchGet|BatchCheck|FilterLog)/;

/** The name of every AWS operation that changes nothing begins with one of a few verbs. Anything else counts as a write. */
export function callKind(operation: string): Call["kind"] {
  return readOperation.test(operation) ? "read" : "write";
}

export function createClients(options: ClientOptions): Clients {
  // The SDK's warning about Node's version is not needed: the SDK is pinned, and package.json names the Node versions
  // that it works with.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const { endpoints, connectionsOf: other } = options;
  const credentials = options.credentials ?? other?.sts.config.credentials;
  const settings = (endpoint: string | undefined) => ({
    region: options.region,
    maxAttempts: options.maxAttempts ?? 6,
    ...(credentials ? { credentials } : {}),
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: other?.sts.config.requestHandler ?? handlerOptions(options.timeouts),
  });
  const pathStyle = isElsewhere(options) ? { forcePathStyle: true } : {};
  return {
    cloudWatch: watched("cloudwatch", new CloudWatchClient(settings(endpoints?.cloudWatch)), options),
    ec2: watched("ec2", new EC2Client(settings(endpoints?.ec2)), options),
    ecr: watched("ecr", new ECRClient(settings(endpoints?.ecr)), options),
    iam: watched("iam", new IAMClient(settings(endpoints?.iam)), options),
    logs: watched("logs", new CloudWatchLogsClient(settings(endpoints?.logs)), options),
    route53: watched("route53", new Route53Client(settings(endpoints?.route53)), options),
    s3: watched("s3", new S3Client({ ...settings(endpoints?.s3), ...pathStyle }), options),
    secretsManager: watched(
      "secretsmanager",
      new SecretsManagerClient(settings(endpoints?.secretsManager)),
      options,
    ),
    sns: watched("sns", new SNSClient(settings(endpoints?.sns)), options),
    ssm: watched("ssm", new SSMClient(settings(endpoints?.ssm)), options),
    sts: watched("sts", new STSClient(settings(endpoints?.sts)), options),
  };
}

function handlerOptions({ connectionMs, answerMs }: Timeouts = defaultTimeouts) {
  return {
    connectionTimeout: connectionMs,
    requestTimeout: answerMs,
    socketTimeout: answerMs,
    throwOnRequestTimeout: true,
  };
}

/** Only AWS itself has a host name for each bucket. Other endpoints expect the bucket in the path. */
function isElsewhere({ endpoints }: ClientOptions): boolean {
  return [endpoints, setting("AWS_ENDPOINT_URL"), setting("AWS_ENDPOINT_URL_S3")].some(
    (one) => one !== undefined,
  );
}

interface Watchable<Input extends object, Output extends object> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

function watched<Input extends object, Output extends object, Client extends Watchable<Input, Output>>(
  service: string,
  client: Client & Watchable<Input, Output>,
  options: ClientOptions,
): Client {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = operationName(context);
      const kind = callKind(operation);
      if (kind === "write") await options.beforeWrite?.({ service, operation });
      const startedMs = performance.now();
      const ended = (outcome: string) =>
        options.onCall?.({ service, operation, kind, durationMs: performance.now() - startedMs, outcome });
      try {
        const result = await next(args);
        ended("ok");
        return result;
      } catch (error) {
        ended(error instanceof Error ? error.name : "Unknown");
        throw error;
      }
    },
    { step: "initialize", name: "berthWatch", priority: "high" },
  );
  reportLostReplies(client);
  askBeforeEachTry(service, client, options);
  return client;
}

/**
 * Checks again immediately before each attempt, including the SDK's own retries: the computer may have slept since, and
 * somebody else may hold the lease by now.
 */
function askBeforeEachTry<Input extends object, Output extends object>(
  service: string,
  { middlewareStack }: Watchable<Input, Output>,
  { beforeWrite }: ClientOptions,
): void {
  if (beforeWrite === undefined) return;
  middlewareStack.add(
    (next, context) => async (args) => {
      const operation = operationName(context);
      if (callKind(operation) === "write") {
        await beforeSending(async () => beforeWrite({ service, operation }));
      }
      return next(args);
    },
    // The last step before the request is sent.
    { step: "deserialize", name: "berthAskBeforeEachTry", priority: "low" },
  );
}
