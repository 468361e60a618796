import {
  DescribeInstanceCreditSpecificationsCommand,
  ModifyInstanceCreditSpecificationCommand,
} from "@aws-sdk/client-ec2";
import { cpuCredits } from "./instance-launch.ts";
import type { WriteContext } from "../../contract/resource.ts";

/** Limits those of the hosts that are still unlimited from their boot. Types without CPU credits aren't listed. */
export async function limitServing(ctx: WriteContext, hosts: readonly string[]): Promise<void> {
  const Filters = [{ Name: "instance-id", Values: [...hosts] }];
  const { InstanceCreditSpecifications = [] } = await ctx.clients.ec2.send(
    new DescribeInstanceCreditSpecificationsCommand({ Filters }),
  );
  const unlimited = InstanceCreditSpecifications.filter(({ CpuCredits }) => CpuCredits === cpuCredits.boot)
    .flatMap(({ InstanceId }) => InstanceId ?? [])
    .filter((id) => hosts.includes(id));
  if (unlimited.length > 0) await limitCredits(ctx, unlimited);
}

export async function limitCredits(ctx: WriteContext, ids: readonly string[]): Promise<void> {
  const InstanceCreditSpecifications = ids.map((InstanceId) => ({
    InstanceId,
    CpuCredits: cpuCredits.serving,
  }));
  await ctx.clients.ec2.send(new ModifyInstanceCreditSpecificationCommand({ InstanceCreditSpecifications }));
}
