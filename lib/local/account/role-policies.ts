import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  type IAMClient,
} from "@aws-sdk/client-iam";

/** The role's current policies, inline and attached. Empty for a role that doesn't exist any more. */
export async function readRolePolicies(iam: IAMClient, role: string): Promise<unknown[]> {
  const name = { RoleName: role };
  const [inline, attached] = await Promise.all([
    iam.send(new ListRolePoliciesCommand(name)),
    iam.send(new ListAttachedRolePoliciesCommand(name)),
  ]);
  const names = inline.PolicyNames ?? [];
  const arns = (attached.AttachedPolicies ?? []).flatMap(({ PolicyArn }) => PolicyArn ?? []);
  const documents = await Promise.all([
    ...names.map((PolicyName) =>
      iam
        .send(new GetRolePolicyCommand({ ...name, PolicyName }))
        .then(({ PolicyDocument }) => PolicyDocument),
    ),
    ...arns.map((arn) => readManaged(iam, arn)),
  ]);
  return documents.map((document) => parse(document));
}

async function readManaged(iam: IAMClient, PolicyArn: string): Promise<string | undefined> {
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
  const VersionId = Policy?.DefaultVersionId;
  const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
  return PolicyVersion?.Document;
}

/** Policies arrive URL-encoded. A text that is no policy allows nothing. */
function parse(document: string | undefined): unknown {
  try {
    return JSON.parse(decodeURIComponent(document ?? ""));
  } catch {
    return undefined;
  }
}
