import { type HostedZone, zoneFor } from "./aws/hosted-zones.ts";
import type { MachineImage } from "./aws/lookup.ts";
import {
  bucketName,
  dashboardName,
  logGroupName,
  metricsNamespace,
  repositoryName,
  roleName,
  topicName,
} from "./aws/names.ts";
import { letsEncrypt } from "./config/https.ts";
import type { Config } from "./config/load.ts";
import { sendsMetrics } from "./config/metrics.ts";
import { subnetsOf } from "./config/network.ts";
import { type Declaration, type DeclarationOf, declare } from "./engine/declaration.ts";
import type { AgentBundle } from "./host/bundle.ts";
import { userData } from "./host/user-data.ts";
import { contentOf } from "./release/schema.ts";
import type { HttpsContent } from "./release/https.ts";
import type { AgentDesired, ObservedAgent } from "./resources/delivery/agent.ts";
import type { ObservedHttps } from "./resources/delivery/https.ts";
import { address, type ObservedAddress } from "./resources/network/address.ts";
import { bucket, type ObservedBucket } from "./resources/storage/bucket.ts";
import type { ImageDesired, ObservedImage } from "./resources/delivery/image.ts";
import {
  dataVolume,
  type DataVolumeDesired,
  type ObservedDataVolume,
} from "./resources/storage/data-volume.ts";
import { instance, type ObservedInstance } from "./resources/compute/instance.ts";
import { hostPolicy, hostTrust } from "./resources/identity/host-policy.ts";
import { instanceProfile } from "./resources/identity/instance-profile.ts";
import { internetGateway } from "./resources/network/internet-gateway.ts";
import type { ReleaseDesired, ObservedRelease } from "./resources/delivery/release.ts";
import { alarm, type ObservedAlarm } from "./resources/watching/alarm.ts";
import { alarmRules } from "./resources/watching/alarm-rules.ts";
import { dashboard } from "./resources/watching/dashboard.ts";
import { dashboardBody } from "./resources/watching/dashboard-body.ts";
import { type ObservedTopic, topic, topicArn, topicDisplayName } from "./resources/watching/topic.ts";
import { logGroup, type ObservedLogGroup } from "./resources/watching/log-group.ts";
import { parameter } from "./resources/storage/parameter.ts";
import { repository, type ObservedRepository } from "./resources/delivery/repository.ts";
import type { Observed, Resource } from "./contract/resource.ts";
import { role } from "./resources/identity/role.ts";
import { recordResource } from "./resources/network/record.ts";
import { recordName } from "./resources/network/record-claim.ts";
import { routeTable } from "./resources/network/route-table.ts";
import { s3Endpoint } from "./resources/network/s3-endpoint.ts";
import { securityGroup } from "./resources/network/security-group.ts";
import { type ObservedSubnet, subnet } from "./resources/network/subnet.ts";
import { type ObservedVpc, vpc } from "./resources/network/vpc.ts";

/** Everything that the declarations of a stack are made from. */
export interface StackInputs {
  readonly config: Config;
  readonly account: string;
  /** Absent in a teardown: deleting the repository deletes the image, deleting the bucket deletes agent and release. */
  readonly app?: App | undefined;
  /** The snapshot that a new data volume gets its content from. */
  readonly restoredFrom?: string | undefined;
  /** The account's public hosted zones; none are needed without a domain. */
  readonly zones: readonly HostedZone[];
}

export interface App {
  /** The tag of the app's image: a hash of its source. */
  readonly imageTag: string;
  readonly commit?: string | undefined;
  /** Whether the source is as in the commit. */
  readonly isClean?: boolean | undefined;
  readonly image: Resource<ImageDesired, ObservedImage>;
  readonly release: Resource<ReleaseDesired, ObservedRelease>;
  /** What the hosts run, and how it is published. */
  readonly bundle: AgentBundle;
  readonly agent: Resource<AgentDesired, ObservedAgent>;
  readonly https: Resource<HttpsContent, ObservedHttps>;
}

/** What AWS offers now. Only the comparison needs it, so it is looked up while the resources are read. */
export interface Offers {
  readonly machineImage: MachineImage & { readonly isUpgrade?: boolean };
  /** Availability Zones that offer the instance type. */
  readonly zones: readonly string[];
  /** `app.secrets` with the version that each has now: `ssm:/shop/database-url:3`. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** One declared resource of a stack. */
export type StackDeclaration = Declaration<Offers>;

/** The declared stack. Declarations that other code asks for are also listed by name. */
export interface StackParts {
  /** Each declaration comes after those it needs. A teardown uses the same list backwards. */
  readonly declarations: readonly StackDeclaration[];
  readonly bucket: DeclarationOf<ObservedBucket>;
  readonly vpc: DeclarationOf<ObservedVpc>;
  readonly subnet: DeclarationOf<ObservedSubnet>;
  readonly address: DeclarationOf<ObservedAddress>;
  readonly instance: DeclarationOf<ObservedInstance>;
  /** Absent in a stack without `app.volumes`. */
  readonly dataVolume: DeclarationOf<ObservedDataVolume> | undefined;
  readonly image: DeclarationOf<ObservedImage> | undefined;
  readonly release: DeclarationOf<ObservedRelease> | undefined;
  /** Absent in a stack without `alarms`. */
  readonly topic: DeclarationOf<ObservedTopic> | undefined;
  readonly alarms: readonly DeclarationOf<ObservedAlarm>[];
}

export const declareStack = (inputs: StackInputs): readonly StackDeclaration[] =>
  declareParts(inputs).declarations;

export function declareParts({ config, account, app, restoredFrom, zones }: StackInputs): StackParts {
  const { stack, region } = config;
  const names = stackNames(config, account);

  const theBucket = declare({ name: "bucket", resource: bucket, desired: () => ({ name: names.bucket }) });
  const theRepository = declare({
    name: "repository",
    resource: repository,
    desired: () => ({ name: names.repository }),
  });
  const network = declareNetwork(config, names);
  const theRole = declare({
    name: "role",
    resource: role,
    desired: () => ({
      name: names.role,
      description: `Lets the host of ${stack} pull its image and read its release`,
      trust: hostTrust({ region }),
      policy: hostPolicy({
        region,
        account,
        ...names,
        logGroup: config.logs && names.logGroup,
        metrics: sendsMetrics(config) ? names.metrics : undefined,
        secrets: config.app.secrets,
        shell: config.shell,
      }),
    }),
  });
  const theProfile = declare({
    name: "instance-profile",
    resource: instanceProfile,
    needs: [theRole],
    desired: () => ({ name: names.role, roleName: names.role }),
  });
  const hasVolumes = Object.keys(config.app.volumes).length > 0;
  // A teardown looks for a volume even if the configuration no longer has any.
  const theVolume =
    hasVolumes || app === undefined
      ? declareDataVolume({ gib: config.instance.dataGib, snapshotId: restoredFrom }, network.subnet)
      : undefined;
  // A teardown looks for logs too, even if the configuration no longer has them.
  const theLogGroup =
    config.logs !== undefined || app === undefined ? declareLogGroup(config, names) : undefined;
  const theAgent = app && declareAgent(app, names.bucket, theBucket);
  const theInstance = declare({
    name: "instance",
    resource: instance,
    needs: [
      network.subnet,
      network.securityGroup,
      theProfile,
      network.routeTable,
      network.s3Endpoint,
      theBucket,
      theRepository,
      // Otherwise the first boot would find no agent to run, and wait.
      ...(theAgent ? [theAgent] : []),
      ...(theVolume ? [theVolume] : []),
    ],
    replaceNote: hasVolumes
      ? "a new host boots beside the old one; then the app stops for about two minutes: the old host is stopped, the data volume moves to the new one, and the app starts there"
      : "a new host boots beside the old one; the address moves when the new one serves",
    desired: (need, { machineImage }: Offers) => ({
      imageId: machineImage.imageId,
      upgradesOs: machineImage.isUpgrade === true,
      rootDeviceName: machineImage.rootDeviceName,
      os: config.instance.os,
      type: config.instance.type,
      subnetId: need(network.subnet).id,
      securityGroupId: need(network.securityGroup).id,
      profileName: names.role,
      userData: userData({ stack, region, bucket: names.bucket, account }),
      diskGib: config.instance.diskGib,
      dataVolumeId: theVolume && need(theVolume).id,
    }),
  });
  const theApp =
    app &&
    theAgent &&
    declareApp({
      app,
      config,
      names,
      repository: theRepository,
      agent: theAgent,
      instance: theInstance,
      dataVolume: theVolume,
      logGroup: theLogGroup,
    });
  const theAddress = declare({
    name: "address",
    resource: address,
    needs: [network.gateway, theInstance, ...(theApp ? [theApp.release] : [])],
    desired: (need) => ({ instanceId: need(theInstance).id }),
  });
  const { retired, records } = declareRecords({ config, zones }, theAddress);
  const theHttps = app && declareHttps(app, config, { bucket: theBucket, address: theAddress, records });
  const watching = declareWatching({ config, names, account, isTeardown: app === undefined }, theAddress);
  const declarations = [
    theBucket,
    theRepository,
    ...(theApp ? [theApp.image] : []),
    ...Object.values(network),
    ...(theVolume ? [theVolume] : []),
    ...(theLogGroup ? [theLogGroup] : []),
    theRole,
    theProfile,
    ...(theAgent ? [theAgent] : []),
    theInstance,
    ...(theApp ? [theApp.release] : []),
    theAddress,
    retired,
    ...(app === undefined ? [] : records),
    ...(theHttps ? [theHttps] : []),
    ...watching.declarations,
    // Only `secret set` makes one, so there is none to converge.
    ...(app ? [] : [declare({ name: "parameter", resource: parameter, desired: () => undefined })]),
  ];
  return {
    declarations,
    bucket: theBucket,
    vpc: network.vpc,
    subnet: network.subnet,
    address: theAddress,
    instance: theInstance,
    dataVolume: theVolume,
    image: theApp?.image,
    release: theApp?.release,
    topic: watching.topic,
    alarms: watching.alarms,
  };
}

/** Declares the VPC and the network in it. Each declaration comes after those it needs. */
function declareNetwork({ stack, network, ingress }: Config, names: StackNames) {
  const theVpc = declare({
    name: "vpc",
    resource: vpc,
    replaceNote: "a new network and a new host are made; the address moves to it when it serves",
    desired: () => ({ cidr: network.cidr }),
  });
  const theGateway = declare({
    name: "internet-gateway",
    resource: internetGateway,
    needs: [theVpc],
    desired: (need) => ({ vpcId: need(theVpc).id }),
  });
  const theSubnet = declare({
    name: "subnet",
    resource: subnet,
    needs: [theVpc],
    desired: (need, { zones }: Offers) => ({
      vpcId: need(theVpc).id,
      cidrs: subnetsOf(network.cidr),
      zones,
    }),
  });
  const theRouteTable = declare({
    name: "route-table",
    resource: routeTable,
    needs: [theVpc, theSubnet, theGateway],
    desired: (need) => ({
      vpcId: need(theVpc).id,
      subnetId: need(theSubnet).id,
      gatewayId: need(theGateway).id,
    }),
  });
  const theS3Endpoint = declare({
    name: "s3-endpoint",
    resource: s3Endpoint,
    needs: [theVpc, theRouteTable],
    desired: (need) => ({ vpcId: need(theVpc).id, routeTableId: need(theRouteTable).id }),
  });
  const theSecurityGroup = declare({
    name: "security-group",
    resource: securityGroup,
    needs: [theVpc],
    desired: (need) => ({
      vpcId: need(theVpc).id,
      name: names.prefix,
      description: `What reaches the host of ${stack}`,
      ingress: ingress.flatMap(({ port, protocol, from }) => from.map((cidr) => ({ port, protocol, cidr }))),
    }),
  });
  return {
    vpc: theVpc,
    gateway: theGateway,
    subnet: theSubnet,
    routeTable: theRouteTable,
    s3Endpoint: theS3Endpoint,
    securityGroup: theSecurityGroup,
  };
}

function declareDataVolume(
  { gib, snapshotId }: Pick<DataVolumeDesired, "gib" | "snapshotId">,
  theSubnet: DeclarationOf<ObservedSubnet>,
) {
  return declare({
    name: "data-volume",
    resource: dataVolume,
    needs: [theSubnet],
    desired: (need) => ({ gib, snapshotId, zone: need(theSubnet).observed?.zone }),
  });
}

/** Where the hosts send what app and host log. */
function declareLogGroup({ logs }: Config, names: StackNames) {
  return declare({
    name: "log-group",
    resource: logGroup,
    desired: () => ({ name: names.logGroup, days: logs?.days ?? 14 }),
  });
}

const noDesiredState = (): never => {
  throw new TypeError("a retired declaration has no desired state");
};

interface WatchingOptions {
  readonly config: Config;
  readonly names: StackNames;
  readonly account: string;
  readonly isTeardown: boolean;
}

/**
 * Who watches the stack: after the address, so that nobody is told of a stack that doesn't serve yet, or is being removed. What
 * the state knows and the configuration no longer has is removed.
 */
function declareWatching(
  { config, names, account, isTeardown }: WatchingOptions,
  theAddress: DeclarationOf<ObservedAddress>,
) {
  const { stack, region, alarms } = config;
  const retired = <Desired, Found extends Observed>(name: string, resource: Resource<Desired, Found>) => ({
    name,
    // Only a teardown looks for what nobody asked for: other runs may lack the permission.
    resource: isTeardown ? resource : { ...resource, list: () => Promise.resolve([]) },
    desired: noDesiredState,
    isRetired: true as const,
  });
  const theTopic = declare(
    alarms === undefined
      ? retired("topic", topic)
      : {
          name: "topic",
          resource: topic,
          desired: () => ({
            name: names.topic,
            displayName: topicDisplayName(stack),
            email: alarms.email,
          }),
        },
  );
  const needs = [theTopic, theAddress];
  const theAlarms = alarmRules(config, topicArn({ region, account }, names.topic)).map(({ name, desired }) =>
    declare({ name, resource: alarm, needs, desired: () => desired }),
  );
  const retiredAlarm = declare({ ...retired("alarm", alarm), needs });
  const theDashboard = declare(
    config.dashboard
      ? {
          name: "dashboard",
          resource: dashboard,
          desired: () => ({ name: names.dashboard, body: dashboardBody({ stack, region }) }),
        }
      : retired("dashboard", dashboard),
  );
  return {
    declarations: [theTopic, ...theAlarms, retiredAlarm, theDashboard],
    topic: alarms && theTopic,
    alarms: theAlarms,
  };
}

/** What the hosts run besides the app. */
function declareAgent({ agent, bundle }: App, place: string, theBucket: DeclarationOf<ObservedBucket>) {
  return declare({
    name: "agent",
    resource: agent,
    needs: [theBucket],
    desired: () => ({ bucket: place, bundle }),
  });
}

interface RecordsOptions {
  readonly config: Pick<Config, "stack" | "domain">;
  readonly zones: readonly HostedZone[];
}

/**
 * The records of the domains that a hosted zone of the account covers, and first a declaration that only removes: for domains
 * that the configuration no longer has, and for a teardown, which leaves what has become somebody else's.
 */
function declareRecords({ config, zones }: RecordsOptions, theAddress: DeclarationOf<ObservedAddress>) {
  const { stack, domain: domains } = config;
  const kind = { stack, domains, zones };
  const covered = domains.flatMap((domain) => {
    const zone = zoneFor(domain, zones);
    return zone === undefined ? [] : [{ domain, zoneId: zone.id }];
  });
  const records = covered.map((place) =>
    declare({
      name: recordName(place.domain),
      resource: recordResource({ ...kind, others: "refused" }),
      needs: [theAddress],
      desired: (need) => ({
        ...place,
        address: need(theAddress).observed?.publicIp ?? need(theAddress).id,
      }),
    }),
  );
  const retired = declare({
    name: "record",
    resource: recordResource({ ...kind, others: "ignored" }),
    needs: [theAddress],
    desired: noDesiredState,
    isRetired: true,
  });
  return { retired, records };
}

interface HttpsNeeds {
  readonly bucket: DeclarationOf<ObservedBucket>;
  readonly address: DeclarationOf<ObservedAddress>;
  /** An authority looks the names up as soon as a host asks for a certificate, and counts what fails. */
  readonly records: readonly { readonly name: string }[];
}

/** What the hosts are told of certificates, once there is an address for them. */
function declareHttps({ https: resource }: App, { domain, https }: Config, needs: HttpsNeeds) {
  const { bucket: theBucket, address: theAddress, records } = needs;
  const settings = https === "off" ? { directory: letsEncrypt, hstsSeconds: 0 } : https;
  return declare({
    name: "https",
    resource,
    needs: [theBucket, theAddress, ...records],
    desired: (need) => ({
      ...settings,
      isOn: https !== "off",
      address: need(theAddress).observed?.publicIp ?? need(theAddress).id,
      names: domain,
    }),
  });
}

interface AppPlace {
  readonly app: App;
  readonly config: Config;
  readonly names: StackNames;
  readonly repository: DeclarationOf<ObservedRepository>;
  readonly agent: DeclarationOf<ObservedAgent>;
  readonly instance: DeclarationOf<ObservedInstance>;
  readonly dataVolume: DeclarationOf<ObservedDataVolume> | undefined;
  readonly logGroup: DeclarationOf<ObservedLogGroup> | undefined;
}

/** What changes with each release: the image, and the release document that the hosts read. */
function declareApp(place: AppPlace) {
  const { app, config, names, repository: theRepository, agent: theAgent, instance: theInstance } = place;
  const { dataVolume: theVolume, logGroup: theLogGroup } = place;
  const theImage = declare({
    name: "image",
    resource: app.image,
    needs: [theRepository],
    absentBecause: "its content is new",
    desired: (need) => ({ repository: need(theRepository).id, tag: app.imageTag }),
  });
  const theRelease = declare({
    name: "release",
    resource: app.release,
    needs: [theImage, theAgent, theInstance, theVolume, theLogGroup].filter((one) => one !== undefined),
    desired: (need, { secrets }: Offers) => ({
      content: contentOf(
        {
          ...config.app,
          secrets,
          edge: config.edge,
          logGroup: theLogGroup && names.logGroup,
          shell: config.shell || undefined,
        },
        need(theImage).id,
        theVolume && need(theVolume).id,
      ),
      metrics: sendsMetrics(config) ? names.metrics : undefined,
      source: app.imageTag,
      commit: app.commit,
      isClean: app.isClean,
      agent: { sha256: app.bundle.sha256, at: need(theAgent).observed?.at },
      hosts: [need(theInstance).id],
    }),
  });
  return { image: theImage, release: theRelease };
}

export type StackNames = ReturnType<typeof stackNames>;

/** Derived names in AWS: resources with such a name are found without any state. */
export function stackNames({ stack, region }: Pick<Config, "stack" | "region">, account: string) {
  const named = (name: string) => ({ stack, name });
  return {
    prefix: `berth-${stack}`,
    bucket: bucketName({ account, region }, named("bucket")),
    repository: repositoryName(named("repository")),
    logGroup: logGroupName(named("log-group")),
    topic: topicName(named("topic")),
    dashboard: dashboardName({ region }, named("dashboard")),
    metrics: metricsNamespace({ stack }),
    // The instance profile has the same name as its role.
    role: roleName({ region }, named("role")),
  };
}
