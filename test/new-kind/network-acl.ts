import {
  CreateNetworkAclCommand,
  DeleteNetworkAclCommand,
  paginateDescribeNetworkAcls,
  type Filter,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../lib/aws/tags.ts";
import { fieldDifference } from "../../lib/contract/difference.ts";
import type { Observed, ReadContext, Resource } from "../../lib/contract/resource.ts";
import { requireId } from "../../lib/toolkit/creation.ts";
import { ec2Lookup } from "../../lib/toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../lib/toolkit/ownership.ts";
import { removeUntilGone } from "../../lib/toolkit/removal.ts";

interface NetworkAclDesired {
  readonly vpcId: string;
}

interface ObservedNetworkAcl extends Observed {
  readonly vpcId: string | undefined;
}

const kind = "network-acl";

export const networkAcl: Resource<NetworkAclDesired, ObservedNetworkAcl> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create({ clients }, { tags }, { vpcId }) {
    const { NetworkAcl } = await clients.ec2.send(
      new CreateNetworkAclCommand({
        VpcId: vpcId,
        TagSpecifications: tagSpecifications(tags, "network-acl"),
      }),
    );
    return requireId(NetworkAcl?.NetworkAclId, "CreateNetworkAcl");
  },

  differences: (identity, { vpcId }, observed) => [
    ...fieldDifference("vpc", { desired: vpcId, observed: observed.vpcId, replace: "AWS can't move it" }),
    ...identityDifferences(identity, observed),
  ],

  update: (ctx, change) => repairTags(ctx, change),

  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `network ACL ${id}`,
      attempt: () => ctx.clients.ec2.send(new DeleteNetworkAclCommand({ NetworkAclId: id })),
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
    }),

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "network-acl-id", describe });

async function describe({ clients }: ReadContext, Filters: Filter[]): Promise<ObservedNetworkAcl[]> {
  const found: ObservedNetworkAcl[] = [];
  for await (const page of paginateDescribeNetworkAcls({ client: clients.ec2 }, { Filters })) {
    for (const { NetworkAclId, VpcId, Tags } of page.NetworkAcls ?? []) {
      found.push({
        id: requireId(NetworkAclId, "DescribeNetworkAcls"),
        vpcId: VpcId,
        tags: fromTagList(Tags),
      });
    }
  }
  return found;
}
