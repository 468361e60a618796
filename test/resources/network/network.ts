import { newIdentity, type Account } from "../account.ts";
import { internetGateway } from "../../../lib/resources/network/internet-gateway.ts";
import { subnet } from "../../../lib/resources/network/subnet.ts";
import { vpc } from "../../../lib/resources/network/vpc.ts";

/** A network for resources that need one. */
export async function makeNetwork({ ctx }: Account) {
  const vpcId = await vpc.create(ctx, newIdentity("vpc"), { cidr: "10.20.0.0/16" });
  const gatewayIdentity = newIdentity("internet-gateway");
  const [subnetId, gatewayId] = await Promise.all([
    subnet.create(ctx, newIdentity("subnet"), { vpcId, cidrs: ["10.20.0.0/24"] }),
    internetGateway.create(ctx, gatewayIdentity, { vpcId }),
  ]);
  const observed = await internetGateway.find(ctx, gatewayIdentity, gatewayId);
  if (observed === undefined) throw new Error(`${gatewayId} isn't there`);
  const change = { identity: gatewayIdentity, desired: { vpcId }, observed };
  const differences = internetGateway.differences(gatewayIdentity, { vpcId }, observed);
  await internetGateway.update(ctx, { ...change, differences });
  return { vpcId, subnetId, gatewayId };
}
