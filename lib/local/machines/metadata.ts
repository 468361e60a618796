import { localAccount } from "../emulators/emulators.ts";
import type { DescribedInstance, RoleCredentials } from "./instances.ts";

/** Everything that the metadata service can say about one instance. */
export interface MetadataSource {
  readonly instance: DescribedInstance;
  readonly userData: Buffer | undefined;
  readonly roleName: string | undefined;
  /** Called only for the one path that needs credentials. */
  readonly credentials: () => Promise<RoleCredentials>;
}

type Leaf = string | Buffer | (() => Promise<string>);
interface Folder {
  readonly [name: string]: Leaf | Folder;
}

/**
 * The answer for one path below the version, for example `meta-data/instance-id`. A folder gives its index: one name
 * per line, with a slash after folders. Undefined means 404.
 */
export async function readMetadata(
  source: MetadataSource,
  path: string,
): Promise<string | Buffer | undefined> {
  let found: Leaf | Folder | undefined = buildTree(source);
  for (const name of path.split("/").filter((part) => part !== "")) {
    if (found === undefined || isLeaf(found)) return undefined;
    found = Object.hasOwn(found, name) ? found[name] : undefined;
  }
  if (found === undefined) return undefined;
  if (typeof found === "function") return found();
  return isLeaf(found) ? found : indexOf(found);
}

function isLeaf(entry: Leaf | Folder): entry is Leaf {
  return typeof entry === "string" || typeof entry === "function" || Buffer.isBuffer(entry);
}

function indexOf(folder: Folder): string {
  return Object.entries(folder)
    .map(([name, entry]) => (isLeaf(entry) ? name : `${name}/`))
    .join("\n");
}

function buildTree(source: MetadataSource): Folder {
  const { instance, userData } = source;
  return {
    dynamic: { "instance-identity": { document: () => Promise.resolve(identityDocument(instance)) } },
    "meta-data": {
      "ami-id": instance.imageId,
      "ami-launch-index": "0",
      hostname: instance.privateName,
      ...(source.roleName === undefined ? {} : { iam: iamFolder(source, source.roleName) }),
      "instance-action": "none",
      "instance-id": instance.id,
      "instance-life-cycle": "on-demand",
      "instance-type": instance.type,
      "local-hostname": instance.privateName,
      "local-ipv4": instance.privateAddress,
      mac: instance.macAddress,
      network: { interfaces: { macs: { [instance.macAddress]: interfaceFolder(instance) } } },
      placement: {
        "availability-zone": instance.zone,
        region: instance.region,
      },
      ...(instance.publicAddress === undefined ? {} : { "public-ipv4": instance.publicAddress }),
      "reservation-id": `r-${instance.id.slice(2)}`,
      services: { domain: "amazonaws.com", partition: "aws" },
    },
    ...(userData === undefined ? {} : { "user-data": userData }),
  };
}

function interfaceFolder(instance: DescribedInstance): Folder {
  return {
    "device-number": "0",
    "local-hostname": instance.privateName,
    "local-ipv4s": instance.privateAddress,
    mac: instance.macAddress,
    ...(instance.publicAddress === undefined ? {} : { "public-ipv4s": instance.publicAddress }),
    "security-group-ids": instance.securityGroups.join("\n"),
    "subnet-id": instance.subnet,
    "vpc-id": instance.vpc,
  };
}

function iamFolder(source: MetadataSource, roleName: string): Folder {
  const info = {
    Code: "Success",
    LastUpdated: source.instance.launchedAt,
    InstanceProfileArn: source.instance.profileArn,
  };
  return {
    info: JSON.stringify(info, undefined, 2),
    "security-credentials": {
      [roleName]: async () => {
        const credentials = await source.credentials();
        return JSON.stringify(
          {
            Code: "Success",
            LastUpdated: new Date().toISOString(),
            Type: "AWS-HMAC",
            AccessKeyId: credentials.accessKeyId,
            SecretAccessKey: credentials.secretAccessKey,
            Token: credentials.token,
            Expiration: credentials.expires.toISOString(),
          },
          undefined,
          2,
        );
      },
    },
  };
}

function identityDocument(instance: DescribedInstance): string {
  const document = {
    accountId: localAccount,
    architecture: process.arch === "arm64" ? "arm64" : "x86_64",
    availabilityZone: instance.zone,
    imageId: instance.imageId,
    instanceId: instance.id,
    instanceType: instance.type,
    pendingTime: instance.launchedAt,
    privateIp: instance.privateAddress,
    region: instance.region,
    version: "2017-09-30",
  };
  return JSON.stringify(document, undefined, 2);
}
