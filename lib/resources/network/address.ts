import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  ReleaseAddressCommand,
  type Address,
  type Filter,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { removeUntilGone, unlessGone } from "../../toolkit/removal.ts";
import type { Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface AddressDesired {
  readonly instanceId: string;
}

export interface ObservedAddress extends Observed {
  readonly publicIp: string;
  readonly instanceId?: string;
  readonly associationId?: string;
}

const kind = "address";

/** The public address, which outlives its instance: a new host is reached where the old one was. */
export const address: Resource<AddressDesired, ObservedAddress> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity) {
    const { AllocationId } = await ctx.clients.ec2.send(
      new AllocateAddressCommand({
        Domain: "vpc",
        TagSpecifications: tagSpecifications(identity.tags, "elastic-ip"),
      }),
    );
    return requireId(AllocationId, "AllocateAddress");
  },

  differences: (identity, desired, observed) => [
    ...fieldDifference("instance", { desired: desired.instanceId, observed: observed.instanceId }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { desired, observed, differences } = change;
    if (concerns(differences, "instance")) await associate(ctx, observed, desired.instanceId);
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `address ${id}`,
      attempt: async () => {
        await disassociate(ctx, id);
        await ctx.clients.ec2.send(new ReleaseAddressCommand({ AllocationId: id }));
      },
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
    });
  },

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "allocation-id", describe });

/** In one call, so that requests go to the one instance or the other but never to none. */
async function associate(ctx: WriteContext, observed: ObservedAddress, instanceId: string): Promise<void> {
  const command = new AssociateAddressCommand({
    AllocationId: observed.id,
    InstanceId: instanceId,
    AllowReassociation: true,
  });
  await onceVisible(ctx, `address ${observed.publicIp} for ${instanceId}`, () =>
    ctx.clients.ec2.send(command),
  );
}

async function disassociate(ctx: WriteContext, id: string): Promise<void> {
  const observed = await lookup.get(ctx, id);
  if (observed?.associationId === undefined) return;
  await unlessGone(
    ctx.clients.ec2.send(new DisassociateAddressCommand({ AssociationId: observed.associationId })),
  );
}

/** AWS doesn't page these: an account has few. */
async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedAddress[]> {
  const { Addresses = [] } = await ctx.clients.ec2.send(new DescribeAddressesCommand({ Filters: filters }));
  return Addresses.map(parseAddress);
}

function parseAddress(raw: Address): ObservedAddress {
  return {
    id: requireId(raw.AllocationId, "DescribeAddresses"),
    tags: fromTagList(raw.Tags),
    publicIp: raw.PublicIp ?? "",
    // An empty string, not an absent one, when there is none.
    ...(raw.InstanceId ? { instanceId: raw.InstanceId } : {}),
    ...(raw.AssociationId ? { associationId: raw.AssociationId } : {}),
  };
}
