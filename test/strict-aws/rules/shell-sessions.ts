import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { GetInstanceProfileCommand, GetRolePolicyCommand } from "@aws-sdk/client-iam";
import { randomBytes } from "node:crypto";
import { refuse, type Reply } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Behind, Rule } from "../rule.ts";

/** What the agent of a host needs, to be connected to Session Manager. */
const needed = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];

/**
 * Answers for Session Manager, which the emulator lacks. A host that runs counts as connected if its role may do what the
 * agent does. Sessions stay until they are terminated.
 */
export function shellSessions(behind: Behind): Rule {
  const open = new Map<string, string>();
  return async (request, next) => {
    if (request.service !== "ssm" || !operations.has(request.operation)) return next(request);
    const asked = fieldsOf(request);
    const clients = behind.clients(request.region);
    const target = String(asked.get("Target"));
    if (request.operation === "GetConnectionStatus") {
      const Status = (await isConnected(clients, target)) ? "connected" : "notconnected";
      return answer({ Target: target, Status });
    }
    if (request.operation === "StartSession") {
      if (!(await isConnected(clients, target)))
        return refuse(request, {
          status: 400,
          code: "TargetNotConnected",
          message: `${target} is not connected.`,
        });
      const SessionId = `tester-${randomBytes(9).toString("hex")}`;
      open.set(SessionId, target);
      const StreamUrl = `wss://ssmmessages.${request.region}.amazonaws.com/v1/data-channel/${SessionId}?role=publish_subscribe`;
      return answer({ SessionId, StreamUrl, TokenValue: randomBytes(64).toString("base64") });
    }
    if (request.operation === "TerminateSession") {
      open.delete(String(asked.get("SessionId")));
      return answer({ SessionId: asked.get("SessionId") });
    }
    const Sessions = [...open].map(([SessionId, Target]) => ({ SessionId, Target, Status: "Connected" }));
    return answer({ Sessions });
  };
}

const operations: ReadonlySet<string> = new Set([
  "GetConnectionStatus",
  "StartSession",
  "TerminateSession",
  "DescribeSessions",
]);

async function isConnected({ ec2, iam }: ReturnType<Behind["clients"]>, id: string): Promise<boolean> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const host = Reservations.flatMap(({ Instances = [] }) => Instances).find(
    ({ InstanceId }) => InstanceId === id,
  );
  if (host?.State?.Name !== "running") return false;
  const InstanceProfileName = host.IamInstanceProfile?.Arn?.split("/").at(-1);
  const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
  const role = { RoleName: InstanceProfile?.Roles?.[0]?.RoleName, PolicyName: "berth" };
  const { PolicyDocument = "" } = await iam.send(new GetRolePolicyCommand(role));
  const text = PolicyDocument.startsWith("%") ? decodeURIComponent(PolicyDocument) : PolicyDocument;
  const { Statement }: { Statement: { Action: string[] }[] } = JSON.parse(text);
  const allowed = new Set(Statement.flatMap(({ Action }) => Action));
  return needed.every((action) => allowed.has(action));
}

function fieldsOf({ body }: AwsRequest): ReadonlyMap<string, unknown> {
  const asked: unknown = body instanceof Buffer ? JSON.parse(body.toString("utf8")) : {};
  return new Map(Object.entries(Object(asked)));
}

const answer = (body: object): Reply => ({
  status: 200,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: Buffer.from(JSON.stringify(body)),
});
