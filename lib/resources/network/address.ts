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

/** The Elastic IP. It outlives its instance, so a new host gets the old host's address. */
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

  attributes: () => [{ field: "", value: "public IPv4; a new host gets the same" }],

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

/** Moves the address in one call, so that requests reach the old instance or the new one but never none. */
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

/** DescribeAddresses has no pages. */
async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedAddress[]> {
  const { Addresses = [] } = await ctx.clients.ec2.send(new DescribeAddressesCommand({ Filters: filters }));
  return Addresses.map(parseAddress);
}

function parseAddress(raw: Address): ObservedAddress {
  return {
    id: requireId(raw.AllocationId, "DescribeAddresses"),
    tags: fromTagList(raw.Tags),
    publicIp: raw.PublicIp ?? "",
    // If there is no instance, the id is an empty string rather than undefined.
    ...(raw.InstanceId ? { instanceId: raw.InstanceId } : {}),
    ...(raw.AssociationId ? { associationId: raw.AssociationId } : {}),
  };
}
