import { refuse, type Refusal } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";
import { bucketOf } from "../s3-operation.ts";

type Check = (request: AwsRequest) => Refusal | undefined;

const checks: Record<string, Check> = {
  "ec2:RunInstances": ({ fields }) => {
    const bytes = Buffer.from(fields.get("UserData") ?? "", "base64").length;
    return bytes > 16_384 ? invalid("User data is limited to 16384 bytes") : undefined;
  },

  "ec2:CreateSecurityGroup": ({ fields }) => {
    const name = fields.get("GroupName") ?? "";
    const description = fields.get("GroupDescription") ?? "";
    if (name.toLowerCase().startsWith("sg-")) {
      return invalid("Invalid security group name. Group names may not be in the format sg-*");
    }
    if (!allowedText.test(name)) return invalid(`Value (${name}) for parameter GroupName is invalid.`);
    return allowedText.test(description)
      ? undefined
      : invalid(`Value (${description}) for parameter GroupDescription is invalid.`);
  },

  "s3:CreateBucket": ({ url }) =>
    isBucketName(bucketOf(url))
      ? undefined
      : { status: 400, code: "InvalidBucketName", message: "The specified bucket is not valid." },
};

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
const allowedText = /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]{1,255}$/;

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !/\.\.|^xn--|^sthree-|-s3alias$|--ol-s3$/.test(name) &&
    !/^\d+(\.\d+){3}$/.test(name)
  );
}

function invalid(message: string): Refusal {
  return { status: 400, code: "InvalidParameterValue", message };
}

/** Input that AWS always refuses, whatever exists already. */
export function inputLimits(): Rule {
  return async (request, next) => {
    const refusal = checks[`${request.service}:${request.operation}`]?.(request);
    return refusal === undefined ? next(request) : refuse(request, refusal);
  };
}
