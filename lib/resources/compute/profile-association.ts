import {
  AssociateIamInstanceProfileCommand,
  paginateDescribeIamInstanceProfileAssociations,
  ReplaceIamInstanceProfileAssociationCommand,
  type IamInstanceProfileAssociation,
} from "@aws-sdk/client-ec2";
import { GetInstanceProfileCommand } from "@aws-sdk/client-iam";
import { isNotYetVisible, unlessAbsent } from "../../aws/errors.ts";
import { iamPath } from "../../aws/names.ts";
import { collect } from "../../toolkit/pages.ts";
import { retry } from "../../poll.ts";
import type { ReadContext, WriteContext } from "../../contract/resource.ts";

// AWS documents no limit. A few seconds are usual.
export const profileTimeoutMs = 2 * 60_000;

/**
 * The id of an instance's profile, if that profile has been deleted. The instance then loses its credentials, but EC2 still
 * names the profile. A new profile of the same name doesn't replace it automatically.
 */
export async function findDeletedProfile(ctx: ReadContext, instanceId: string): Promise<string | undefined> {
  const [held] = await describeAssociations(ctx, instanceId);
  const { Arn = "", Id: heldId } = held?.IamInstanceProfile ?? {};
  // A profile outside Berth's IAM path isn't Berth's. The comparison of names reports it already.
  const [, name] = Arn.split(`:instance-profile${iamPath(ctx)}`);
  if (heldId === undefined || name === undefined) return undefined;
  const answer = await unlessAbsent(
    ctx.clients.iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name })),
  );
  return answer?.InstanceProfile?.InstanceProfileId === heldId ? undefined : heldId;
}

/** Gives a running instance its profile, and replaces any other. */
export async function setProfile(ctx: WriteContext, instanceId: string, name: string): Promise<void> {
  const { ec2 } = ctx.clients;
  const [held] = await describeAssociations(ctx, instanceId);
  const IamInstanceProfile = { Name: name };
  await retry(ctx, {
    what: `instance profile ${name} to be usable by ${instanceId}`,
    timeoutMs: profileTimeoutMs,
    retryOn: isNotYetVisible,
    attempt: async () => {
      const AssociationId = held?.AssociationId;
      if (AssociationId === undefined) {
        await ec2.send(
          new AssociateIamInstanceProfileCommand({ InstanceId: instanceId, IamInstanceProfile }),
        );
      } else {
        await ec2.send(
          new ReplaceIamInstanceProfileAssociationCommand({ AssociationId, IamInstanceProfile }),
        );
      }
    },
  });
}

const states = ["associating", "associated"];

/** The instance's associations, newest first. There is one, or shortly after a replacement more. */
async function describeAssociations(
  ctx: ReadContext,
  instanceId: string,
): Promise<IamInstanceProfileAssociation[]> {
  const Filters = [
    { Name: "instance-id", Values: [instanceId] },
    { Name: "state", Values: states },
  ];
  const pages = paginateDescribeIamInstanceProfileAssociations({ client: ctx.clients.ec2 }, { Filters });
  const found = await collect(
    pages,
    ({ IamInstanceProfileAssociations = [] }) => IamInstanceProfileAssociations,
  );
  const own = found.filter((one) => one.InstanceId === instanceId && states.includes(one.State ?? ""));
  return own.toSorted((a, b) => Number(b.State === "associating") - Number(a.State === "associating"));
}
