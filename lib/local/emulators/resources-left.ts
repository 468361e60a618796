import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
} from "@aws-sdk/client-ec2";
import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { ListRolesCommand } from "@aws-sdk/client-iam";
import { ListHostedZonesCommand } from "@aws-sdk/client-route-53";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { ListSecretsCommand } from "@aws-sdk/client-secrets-manager";
import { DescribeParametersCommand } from "@aws-sdk/client-ssm";
import type { Clients } from "../../aws/clients.ts";
import type { RegionalClients } from "./regional-clients.ts";

/** Names of the resources that were created and not deleted yet. Without any, nobody needs the embedded AWS. */
export async function listResourcesLeft(clients: RegionalClients): Promise<string[]> {
  const regions = clients.regions();
  const regional = await Promise.all(regions.map((region) => listRegional(clients.get(region))));
  // Every region lists the same buckets and roles.
  const first = clients.get(regions[0] ?? "us-east-1");
  const [buckets, roles, zones] = await Promise.all([
    first.s3.send(new ListBucketsCommand({})),
    first.iam.send(new ListRolesCommand({})),
    first.route53.send(new ListHostedZonesCommand({})),
  ]);
  return [
    ...(buckets.Buckets ?? []).map((bucket) => `bucket ${bucket.Name}`),
    ...(roles.Roles ?? [])
      .filter((role) => role.Path?.startsWith("/aws-service-role/") !== true)
      .map((role) => `role ${role.RoleName}`),
    ...(zones.HostedZones ?? []).map((zone) => `hosted zone ${zone.Name}`),
    ...regional.flat(),
  ];
}

async function listRegional({ ec2, ecr, secretsManager, ssm }: Clients): Promise<string[]> {
  const [repositories, instances, vpcs, addresses, volumes, snapshots, parameters, secrets] =
    await Promise.all([
      ecr.send(new DescribeRepositoriesCommand({})),
      ec2.send(new DescribeInstancesCommand({})),
      ec2.send(new DescribeVpcsCommand({})),
      ec2.send(new DescribeAddressesCommand({})),
      ec2.send(new DescribeVolumesCommand({})),
      // Only tagged ones: the emulator has a thousand others, of Amazon's images.
      ec2.send(new DescribeSnapshotsCommand({ Filters: [{ Name: "tag-key", Values: ["*"] }] })),
      // Somebody's own: the public ones aren't secret.
      ssm.send(
        new DescribeParametersCommand({ ParameterFilters: [{ Key: "Type", Values: ["SecureString"] }] }),
      ),
      secretsManager.send(new ListSecretsCommand({})),
    ]);
  return [
    ...(repositories.repositories ?? []).map((repository) => `repository ${repository.repositoryName}`),
    ...(instances.Reservations ?? [])
      .flatMap((reservation) => reservation.Instances ?? [])
      .filter((instance) => instance.State?.Name !== "terminated")
      .map((instance) => `instance ${instance.InstanceId}`),
    ...(vpcs.Vpcs ?? []).filter((vpc) => vpc.IsDefault !== true).map((vpc) => `VPC ${vpc.VpcId}`),
    ...(addresses.Addresses ?? []).map((address) => `address ${address.PublicIp}`),
    ...(volumes.Volumes ?? []).map((volume) => `volume ${volume.VolumeId}`),
    ...(snapshots.Snapshots ?? []).map((snapshot) => `snapshot ${snapshot.SnapshotId}`),
    ...(parameters.Parameters ?? []).map((parameter) => `parameter ${parameter.Name}`),
    ...(secrets.SecretList ?? []).map((secret) => `secret ${secret.Name}`),
  ];
}
