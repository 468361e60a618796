import {
  CreateCustomerGatewayCommand,
  DeleteCustomerGatewayCommand,
  DescribeCustomerGatewaysCommand,
  type Filter,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../lib/aws/tags.ts";
import { fieldDifference } from "../../lib/contract/difference.ts";
import type { Observed, ReadContext, Resource } from "../../lib/contract/resource.ts";
import { requireId } from "../../lib/toolkit/creation.ts";
import { ec2Lookup } from "../../lib/toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../lib/toolkit/ownership.ts";
import { removeUntilGone } from "../../lib/toolkit/removal.ts";

interface CustomerGatewayDesired {
  readonly ip: string;
}

interface ObservedCustomerGateway extends Observed {
  readonly ip: string | undefined;
}

const kind = "customer-gateway";

export const customerGateway: Resource<CustomerGatewayDesired, ObservedCustomerGateway> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create({ clients }, { tags }, { ip }) {
    const { CustomerGateway } = await clients.ec2.send(
      new CreateCustomerGatewayCommand({
        Type: "ipsec.1",
        BgpAsn: 65_000,
        PublicIp: ip,
        TagSpecifications: tagSpecifications(tags, "customer-gateway"),
      }),
    );
    return requireId(CustomerGateway?.CustomerGatewayId, "CreateCustomerGateway");
  },

  differences: (identity, { ip }, observed) => [
    ...fieldDifference("ip", { desired: ip, observed: observed.ip, replace: "AWS can't change it" }),
    ...identityDifferences(identity, observed),
  ],

  update: (ctx, change) => repairTags(ctx, change),

  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `customer gateway ${id}`,
      attempt: () => ctx.clients.ec2.send(new DeleteCustomerGatewayCommand({ CustomerGatewayId: id })),
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
    }),

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "customer-gateway-id", describe });

async function describe({ clients }: ReadContext, Filters: Filter[]): Promise<ObservedCustomerGateway[]> {
  const { CustomerGateways = [] } = await clients.ec2.send(new DescribeCustomerGatewaysCommand({ Filters }));
  return (
    CustomerGateways
      // AWS shows a deleted one for a while.
      .filter(({ State }) => State !== "deleted")
      .map(({ CustomerGatewayId, IpAddress, Tags }) => ({
        id: requireId(CustomerGatewayId, "DescribeCustomerGateways"),
        ip: IpAddress,
        tags: fromTagList(Tags),
      }))
  );
}
