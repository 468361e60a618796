/** Why a request is refused. */
export type RefusalReason =
  | "unsigned"
  | "malformed"
  | "unknown-key"
  | "wrong-token"
  | "skewed"
  | "expired"
  | "wrong-signature"
  | "wrong-body"
  | "too-long"
  | "denied";

/** A refused request. It is answered in the format of the called service, so that an SDK understands it. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
  }
}

export interface RefusalAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

type Format = "s3" | "ec2" | "query" | "json";

/** Each reason's error code, by service. */
const codes: Readonly<Record<RefusalReason, Readonly<Record<Format, string>>>> = {
  unsigned: {
    s3: "AccessDenied",
    ec2: "AuthFailure",
    query: "MissingAuthenticationToken",
    json: "MissingAuthenticationTokenException",
  },
  malformed: {
    s3: "AuthorizationHeaderMalformed",
    ec2: "AuthFailure",
    query: "IncompleteSignature",
    json: "IncompleteSignatureException",
  },
  "unknown-key": {
    s3: "InvalidAccessKeyId",
    ec2: "AuthFailure",
    query: "InvalidClientTokenId",
    json: "UnrecognizedClientException",
  },
  "wrong-token": {
    s3: "InvalidToken",
    ec2: "AuthFailure",
    query: "InvalidClientTokenId",
    json: "UnrecognizedClientException",
  },
  skewed: {
    s3: "RequestTimeTooSkewed",
    ec2: "RequestExpired",
    query: "SignatureDoesNotMatch",
    json: "InvalidSignatureException",
  },
  expired: {
    s3: "ExpiredToken",
    ec2: "RequestExpired",
    query: "ExpiredToken",
    json: "ExpiredTokenException",
  },
  "wrong-signature": {
    s3: "SignatureDoesNotMatch",
    ec2: "AuthFailure",
    query: "SignatureDoesNotMatch",
    json: "InvalidSignatureException",
  },
  "wrong-body": {
    s3: "XAmzContentSHA256Mismatch",
    ec2: "AuthFailure",
    query: "SignatureDoesNotMatch",
    json: "InvalidSignatureException",
  },
  "too-long": {
    s3: "EntityTooLarge",
    ec2: "RequestLimitExceeded",
    query: "ValidationError",
    json: "ValidationException",
  },
  denied: {
    s3: "AccessDenied",
    ec2: "UnauthorizedOperation",
    query: "AccessDenied",
    json: "AccessDeniedException",
  },
};

interface Refused {
  readonly service: string | undefined;
  readonly contentType: string | undefined;
}

/** The refusal as the service would word it. A request that names no service gets S3's format. */
export function describeRefusal({ reason, message }: Refusal, refused: Refused): RefusalAnswer {
  const format = formatOf(refused);
  const code = codes[reason][format];
  if (format === "json") {
    const body = JSON.stringify({ __type: code, message });
    return { status: 400, type: "application/x-amz-json-1.1", body };
  }
  const text = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>`;
  return {
    status: 403,
    type: "text/xml",
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${wrap(format, text)}`,
  };
}

const queryServices: ReadonlySet<string> = new Set(["iam", "route53", "sns", "sts"]);
const jsonServices: ReadonlySet<string> = new Set(["ecr", "logs", "monitoring", "secretsmanager", "ssm"]);

function formatOf({ service, contentType }: Refused): Format {
  if (service === "ec2") return "ec2";
  if (service === undefined) return "s3";
  if (queryServices.has(service)) return "query";
  if (!jsonServices.has(service)) return "s3";
  // CloudWatch is asked in both ways: older SDKs know only the form.
  return contentType?.startsWith("application/x-www-form-urlencoded") === true ? "query" : "json";
}

function wrap(format: Exclude<Format, "json">, text: string): string {
  if (format === "s3") return `<Error>${text}</Error>`;
  if (format === "ec2") return `<Response><Errors><Error>${text}</Error></Errors></Response>`;
  return `<ErrorResponse><Error><Type>Sender</Type>${text}</Error></ErrorResponse>`;
}

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
