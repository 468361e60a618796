import {
  AssociateIamInstanceProfileCommand,
  paginateDescribeIamInstanceProfileAssociations,
  ReplaceIamInstanceProfileAssociationCommand,
  type IamInstanceProfileAssociation,
} from "@aws-sdk/client-ec2";
import { GetInstanceProfileCommand } from "@aws-sdk/client-iam";
import { isNotYetVisible, unlessAbsent } from "../../aws/errors.ts";
import { iamPath } from "../../aws/names.ts";
import { retry } from "../../poll.ts";
import type { ReadContext, WriteContext } from "../../contract/resource.ts";

// AWS documents no limit; seconds are usual.
export const profileTimeoutMs = 2 * 60_000;

/**
 * The id of the instance profile that an instance was given, if that profile was deleted since: its credentials end then,
 * and EC2 goes on naming it. Another one of the same name, made later, doesn't take its place by itself.
 */
export async function findDeletedProfile(ctx: ReadContext, instanceId: string): Promise<string | undefined> {
  const [held] = await describeAssociations(ctx, instanceId);
  const { Arn = "", Id: heldId } = held?.IamInstanceProfile ?? {};
  // One outside of Berth's path is none of Berth's: the name says so already.
  const [, name] = Arn.split(`:instance-profile${iamPath(ctx)}`);
  if (heldId === undefined || name === undefined) return undefined;
  const answer = await unlessAbsent(
    ctx.clients.iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name })),
  );
  return answer?.InstanceProfile?.InstanceProfileId === heldId ? undefined : heldId;
}

/** Gives a running instance its profile, in place of any other. */
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

/** One, but for a moment after a replacement: the newest first. */
async function describeAssociations(
  ctx: ReadContext,
  instanceId: string,
): Promise<IamInstanceProfileAssociation[]> {
  const Filters = [
    { Name: "instance-id", Values: [instanceId] },
    { Name: "state", Values: states },
  ];
  const found: IamInstanceProfileAssociation[] = [];
  const pages = paginateDescribeIamInstanceProfileAssociations({ client: ctx.clients.ec2 }, { Filters });
  for await (const page of pages) found.push(...(page.IamInstanceProfileAssociations ?? []));
  const own = found.filter((one) => one.InstanceId === instanceId && states.includes(one.State ?? ""));
  return own.toSorted((a, b) => Number(b.State === "associating") - Number(a.State === "associating"));
}
