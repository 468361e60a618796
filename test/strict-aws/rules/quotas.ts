import {
  DescribeAddressesCommand,
  DescribeInternetGatewaysCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import type { Clients } from "../../../lib/aws/clients.ts";
import { refuse } from "../reply.ts";
import type { Behind, Rule } from "../rule.ts";

/** How many of each an account may have in a region. */
export interface Quotas {
  /** The default VPC counts too. */
  readonly vpcs: number;
  readonly addresses: number;
  readonly internetGateways: number;
}

interface Quota {
  readonly limit: (quotas: Quotas) => number;
  readonly count: (clients: Clients) => Promise<number | undefined>;
  readonly code: string;
  readonly things: string;
}

const limited: Record<string, Quota> = {
  CreateVpc: {
    limit: ({ vpcs }) => vpcs,
    count: async ({ ec2 }) => (await ec2.send(new DescribeVpcsCommand({}))).Vpcs?.length,
    code: "VpcLimitExceeded",
    things: "VPCs",
  },
  AllocateAddress: {
    limit: ({ addresses }) => addresses,
    count: async ({ ec2 }) => (await ec2.send(new DescribeAddressesCommand({}))).Addresses?.length,
    code: "AddressLimitExceeded",
    things: "addresses",
  },
  CreateInternetGateway: {
    limit: ({ internetGateways }) => internetGateways,
    count: async ({ ec2 }) =>
      (await ec2.send(new DescribeInternetGatewaysCommand({}))).InternetGateways?.length,
    code: "InternetGatewayLimitExceeded",
    things: "internet gateways",
  },
};

export function quotas(limits: Quotas, behind: Behind): Rule {
  return async (request, next) => {
    const quota = request.service === "ec2" ? limited[request.operation] : undefined;
    const used = (await quota?.count(behind.clients(request.region))) ?? 0;
    if (quota === undefined || used < quota.limit(limits)) return next(request);
    const message = `The maximum number of ${quota.things} has been reached.`;
    return refuse(request, { status: 400, code: quota.code, message });
  };
}
