import { partition } from "@aws-sdk/core/client";
import type { ImageLookup } from "./aws/lookup.ts";
import { bucketName, repositoryName, roleName } from "./aws/names.ts";
import type { Config } from "./config/load.ts";
import { subnetOf } from "./config/network.ts";
import { type Wish, wish } from "./engine/wish.ts";
import { userData } from "./instance/user-data.ts";
import { type HostReport, hostReportKey, type Release, releaseKey } from "./release.ts";
import { address } from "./resources/address.ts";
import { bucket } from "./resources/bucket.ts";
import type { ImageDesired, ImageFacts } from "./resources/image.ts";
import { instance } from "./resources/instance.ts";
import { instanceProfile } from "./resources/instance-profile.ts";
import { internetGateway } from "./resources/internet-gateway.ts";
import type { ReleaseDesired, ReleaseFacts } from "./resources/release.ts";
import { repository } from "./resources/repository.ts";
import type { Resource } from "./resources/resource.ts";
import { role } from "./resources/role.ts";
import { routeTable } from "./resources/route-table.ts";
import { s3Endpoint } from "./resources/s3-endpoint.ts";
import { securityGroup } from "./resources/security-group.ts";
import { subnet } from "./resources/subnet.ts";
import { vpc } from "./resources/vpc.ts";

/** Everything a stack is declared from: the configuration, the account, and what AWS had to be asked first. */
export interface StackInputs {
  readonly config: Config;
  readonly account: string;
  /** What AWS offers now. Asked for when wishes are compared, so that reading needn't wait for it. */
  readonly offers: () => Offers;
  /** Tag of the app's image: a hash of its source. */
  readonly imageTag: string;
  readonly commit?: string | undefined;
  readonly image: Resource<ImageDesired, ImageFacts>;
  readonly release: Resource<ReleaseDesired, ReleaseFacts>;
}

export interface Offers {
  readonly machineImage: ImageLookup;
  /** Zones that offer the instance type. */
  readonly zones: readonly string[];
}

/** The declared stack, each wish after those it needs. Teardown is the same list backwards. */
export function declareStack(inputs: StackInputs): Wish[] {
  const { config, account } = inputs;
  const { stack, region } = config;
  const names = stackNames(config, account);
  return [
    wish({ name: "bucket", resource: bucket, desired: () => ({ name: names.bucket }) }),
    wish({ name: "repository", resource: repository, desired: () => ({ name: names.repository }) }),
    wish({
      name: "image",
      resource: inputs.image,
      needs: ["repository"],
      absentBecause: "its content is new",
      desired: () => ({ repository: names.repository, tag: inputs.imageTag }),
    }),
    wish({
      name: "vpc",
      resource: vpc,
      replaceNote: "a new network and a new host are made; the address moves to it when it serves",
      desired: () => ({ cidr: config.network.cidr }),
    }),
    wish({
      name: "internet-gateway",
      resource: internetGateway,
      needs: ["vpc"],
      desired: (idOf) => ({ vpcId: idOf("vpc") }),
    }),
    wish({
      name: "subnet",
      resource: subnet,
      needs: ["vpc"],
      desired: (idOf) => ({
        vpcId: idOf("vpc"),
        cidr: subnetOf(config.network.cidr),
        zones: inputs.offers().zones,
      }),
    }),
    wish({
      name: "route-table",
      resource: routeTable,
      needs: ["vpc", "subnet", "internet-gateway"],
      desired: (idOf) => ({
        vpcId: idOf("vpc"),
        subnetId: idOf("subnet"),
        gatewayId: idOf("internet-gateway"),
      }),
    }),
    wish({
      name: "s3-endpoint",
      resource: s3Endpoint,
      needs: ["vpc", "route-table"],
      desired: (idOf) => ({ vpcId: idOf("vpc"), routeTableId: idOf("route-table") }),
    }),
    wish({
      name: "security-group",
      resource: securityGroup,
      needs: ["vpc"],
      desired: (idOf) => ({
        vpcId: idOf("vpc"),
        name: names.prefix,
        description: `What reaches the host of ${stack}`,
        ingress: config.ingress.flatMap(({ port, protocol, from }) =>
          from.map((cidr) => ({ port, protocol, cidr })),
        ),
      }),
    }),
    wish({
      name: "role",
      resource: role,
      desired: () => ({
        name: names.role,
        description: `Lets the host of ${stack} pull its image and read its release`,
        policy: hostPolicy(config, account),
      }),
    }),
    wish({
      name: "instance-profile",
      resource: instanceProfile,
      needs: ["role"],
      desired: () => ({ name: names.role, roleName: names.role }),
    }),
    wish({
      name: "instance",
      resource: instance,
      needs: [
        "subnet",
        "security-group",
        "instance-profile",
        "route-table",
        "s3-endpoint",
        "bucket",
        "repository",
      ],
      replaceNote: "a new host boots beside the old one; the address moves when the new one serves",
      desired: (idOf) => ({
        imageId: inputs.offers().machineImage.imageId,
        rootDeviceName: inputs.offers().machineImage.rootDeviceName,
        os: config.instance.os,
        type: config.instance.type,
        subnetId: idOf("subnet"),
        securityGroupId: idOf("security-group"),
        profileName: names.role,
        userData: userData({ stack, region, bucket: names.bucket, account }),
        diskGib: config.instance.diskGib,
      }),
    }),
    wish({
      name: "release",
      resource: inputs.release,
      needs: ["image", "instance"],
      desired: (idOf) => ({
        release: {
          image: idOf("image"),
          port: config.app.port,
          replicas: config.app.replicas,
          memoryMib: config.app.memoryMib,
          startSeconds: config.app.startSeconds,
          environment: config.app.environment,
          commit: inputs.commit,
        },
        instanceId: idOf("instance"),
      }),
      outputs: ({ release, reports }) => releaseOutputs(release, [...reports.values()]),
    }),
    wish({
      name: "address",
      resource: address,
      needs: ["internet-gateway", "instance", "release"],
      desired: (idOf) => ({ instanceId: idOf("instance") }),
      outputs: ({ publicIp }) => ({ url: `http://${publicIp}/` }),
    }),
  ];
}

/**
 * The same stack for taking it away: its wishes are listed and removed, never compared, so nothing has to be asked of AWS
 * or read from the source first.
 */
export function removableStack(config: Config, account: string): Wish[] {
  const traceless = (kind: string) => ({
    kind,
    find: () => Promise.resolve(undefined),
    create: () => Promise.reject(new TypeError(`${kind} is only being removed`)),
    differences: () => [],
    update: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  });
  return declareStack({
    config,
    account,
    offers: () => ({ machineImage: { imageId: "", rootDeviceName: "" }, zones: [] }),
    imageTag: "",
    image: traceless("image"),
    release: traceless("release"),
  });
}

/** Names in AWS that are derived, not given: they are found again without any state. */
export function stackNames({ stack, region }: Pick<Config, "stack" | "region">, account: string) {
  const named = (name: string) => ({ stack, name });
  return {
    prefix: `berth-${stack}`,
    bucket: bucketName({ account, region }, named("bucket")),
    repository: repositoryName(named("repository")),
    // The profile is called like its role.
    role: roleName({ region }, named("role")),
  };
}

/** What runs, and how often the app itself failed: the edge retries, so that users hardly see it. */
function releaseOutputs({ number, at, by }: Release, reports: readonly HostReport[]): Record<string, string> {
  const { upstream } = reports.find((report) => report.release === number) ?? {};
  const errors = upstream === undefined ? {} : { appErrors: `${upstream.errors} of ${upstream.tries} tries` };
  return { release: `${number}, wished ${at} by ${by}`, ...errors };
}

/** What the host may do: pull its own images, read its own release, say how it is. */
function hostPolicy(config: Config, account: string) {
  const names = stackNames(config, account);
  const aws = partition(config.region).name;
  const bucketArn = `arn:${aws}:s3:::${names.bucket}`;
  const allow = (actions: readonly string[], resource: string) => ({
    Effect: "Allow",
    Action: actions,
    Resource: resource,
  });
  return {
    Version: "2012-10-17",
    Statement: [
      // AWS knows no narrower resource for the registry's token.
      allow(["ecr:GetAuthorizationToken"], "*"),
      allow(
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        `arn:${aws}:ecr:${config.region}:${account}:repository/${names.repository}`,
      ),
      // Without ListBucket a release that isn't there yet would read as "denied".
      allow(["s3:ListBucket"], bucketArn),
      allow(["s3:GetObject"], `${bucketArn}/${releaseKey}`),
      allow(["s3:PutObject"], `${bucketArn}/${hostReportKey("*")}`),
    ],
  };
}
