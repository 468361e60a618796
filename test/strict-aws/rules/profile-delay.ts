import { GetInstanceProfileCommand } from "@aws-sdk/client-iam";
import { isNotFound } from "../../../lib/aws/errors.ts";
import { isOk, refuse, type Reply } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Behind, Rule } from "../rule.ts";

export interface ProfileDelay {
  /** How many launches don't find a new profile yet. */
  readonly attempts: number;
}

// EC2 can use a profile only once its role is in it.
const making = new Set(["CreateInstanceProfile", "AddRoleToInstanceProfile"]);
const using = new Set([
  "RunInstances",
  "AssociateIamInstanceProfile",
  "ReplaceIamInstanceProfileAssociation",
]);

/** EC2 sees a new instance profile some time after IAM. Until then it answers as for a profile that doesn't exist. */
export function profileDelay({ attempts }: ProfileDelay, behind: Behind): Rule {
  const unseen = new Map<string, number>();
  return async (request, next) => {
    const { service, operation, fields } = request;
    const name = fields.get("IamInstanceProfile.Name");
    if (service === "ec2" && using.has(operation) && name !== undefined) {
      const left = unseen.get(name) ?? 0;
      unseen.set(name, Math.max(0, left - 1));
      const isVisible = left === 0 && (await exists(behind, request.region, name));
      return isVisible ? next(request) : invalid(request, name);
    }
    const reply = await next(request);
    if (service === "iam" && making.has(operation) && isOk(reply)) {
      unseen.set(fields.get("InstanceProfileName") ?? "", attempts);
    }
    return reply;
  };
}

async function exists(behind: Behind, region: string, name: string): Promise<boolean> {
  try {
    await behind.clients(region).iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function invalid(request: AwsRequest, name: string): Reply {
  return refuse(request, {
    status: 400,
    code: "InvalidParameterValue",
    message: `Value (${name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`,
  });
}
