import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcEndpointsCommand,
} from "@aws-sdk/client-ec2";
import { DescribeRepositoriesCommand, GetLifecyclePolicyCommand } from "@aws-sdk/client-ecr";
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from "@aws-sdk/client-iam";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lookupMachineImage, lookupZones } from "../lib/aws/lookup.ts";
import { resourceTags } from "../lib/aws/tags.ts";
import { ingressOf } from "../lib/config/ingress.ts";
import { schema } from "../lib/config/schema.ts";
import type { HostedZone } from "../lib/aws/hosted-zones.ts";
import { poll } from "../lib/poll.ts";
import { packAgent } from "../lib/host/bundle.ts";
import { agentResource } from "../lib/resources/delivery/agent.ts";
import { declareStack, type StackDeclaration } from "../lib/stack.ts";
import { untilShown } from "./resources/storage/shown-bucket.ts";
import { openAccount } from "./resources/account.ts";
import { recordSent } from "./resources/sent-calls.ts";

// What keeps a user safe is written out here, and not taken from the code: a weakened constant there must not weaken the
// test with it. AWS is asked by another route what came of it.

const { ctx, stranger, calls } = await openAccount();
const sent = recordSent(ctx.clients);
const settings = schema.parse({
  stack: "hello",
  region: "eu-central-1",
  app: { source: "app" },
  ingress: [{ port: 80 }, { port: 8443, from: ["203.0.113.0/24", "198.51.100.7/32"] }],
  instance: { diskGib: 12 },
});
const config = { ...settings, ingress: ingressOf(settings), file: "/berth.yaml", directory: "/" };
const account = "123456789012";
const [machineImage, zones] = await Promise.all([
  lookupMachineImage(ctx, "debian-13", "x86_64"),
  lookupZones(ctx, "t3.micro"),
]);
const Bucket = "berth-hello-123456789012-eu-central-1";
const nothing = (kind: string) => ({
  kind,
  find: () => Promise.resolve(undefined),
  create: () => Promise.reject(new TypeError(`${kind} is not made here`)),
  differences: () => [],
  update: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  list: () => Promise.resolve([]),
});
const declare = (
  changes: Partial<typeof config> = {},
  of = account,
  hostedZones: readonly HostedZone[] = [],
) =>
  declareStack({
    config: { ...config, ...changes },
    account: of,
    zones: hostedZones,
    app: {
      imageTag: "src-0123456789abcdef",
      image: nothing("image"),
      release: nothing("release"),
      bundle: packAgent(),
      agent: agentResource({ bucket: Bucket, bundle: packAgent(), by: "somebody" }),
      https: nothing("https"),
    },
  });
const all = declare();
const declarations = all.filter(({ isRetired }) => isRetired !== true);

const ids = new Map<string, string>();
const world = {
  needed: (name: string) => ({ id: ids.get(name) ?? assert.fail(`${name} has no id`) }),
  inputs: { machineImage, zones, secrets: {} },
};

const idOf = (name: string): string => world.needed(name).id;

/** Creates it and makes it equal to its declaration, as the engine does. */
async function make({ name, find, create }: StackDeclaration): Promise<void> {
  const owner = { stack: "hello", name, generation: 1 };
  const identity = { ...owner, lineage: "a-lineage", tags: resourceTags(owner, { Team: "harbour" }) };
  const id = await create(ctx, identity, world);
  ids.set(name, id);
  if (name === "bucket") await untilShown(ctx, identity, id);
  for (let round = 0; round < 3; round += 1) {
    const observation = await poll(ctx, {
      what: name,
      timeoutMs: 60_000,
      look: async () => {
        const done = await find(ctx, identity, id);
        return done === undefined ? { waiting: `${name} isn't there yet` } : { done };
      },
    });
    const left = observation.differences(world);
    if (left.length === 0) return;
    await observation.update(ctx, world, left);
  }
  assert.fail(`${name} still differs`);
}

const madeHere = declarations.filter(({ name }) => !["image", "release", "https"].includes(name));
for (const declaration of madeHere) await make(declaration);

const watching = new Set(["topic", "alarm", "dashboard"]);
const isWatching = ({ kind }: StackDeclaration) => watching.has(kind);

const bucketArn = "arn:aws:s3:::berth-hello-123456789012-eu-central-1";
const RoleName = "berth-hello-eu-central-1";
const sentTo = (operation: string) =>
  sent.filter((one) => one.operation === operation).map(({ input }) => input);
const policyOf = (text = ""): unknown => JSON.parse(text.startsWith("%") ? decodeURIComponent(text) : text);

describe("the declared stack", () => {
  const needs = {
    bucket: [],
    repository: [],
    image: ["repository"],
    vpc: [],
    "internet-gateway": ["vpc"],
    subnet: ["vpc"],
    "route-table": ["vpc", "subnet", "internet-gateway"],
    "s3-endpoint": ["vpc", "route-table"],
    "security-group": ["vpc"],
    role: [],
    "instance-profile": ["role"],
    agent: ["bucket"],
    instance: [
      "subnet",
      "security-group",
      "instance-profile",
      "route-table",
      "s3-endpoint",
      "bucket",
      "repository",
      "agent",
    ],
    release: ["image", "agent", "instance"],
    address: ["internet-gateway", "instance", "release"],
    https: ["bucket", "address"],
  };

  it("is these sixteen, each after those it needs", () => {
    assert.deepEqual(Object.fromEntries(declarations.map((one) => [one.name, one.needs])), needs);
    assert.deepEqual(
      declarations.map(({ name }) => name),
      Object.keys(needs),
    );
  });

  it("is the same to be taken away, but for what goes with the repository and the bucket", () => {
    const { image: _, release: __, agent: ___, https: ____, ...others } = needs;
    const declared = declareStack({ config, account, zones: [] });
    assert.deepEqual(Object.fromEntries(declared.map((one) => [one.name, one.needs])), {
      ...others,
      // A teardown looks for data whether or not the configuration still has volumes.
      "data-volume": ["subnet"],
      instance: [...needs.instance.filter((name) => name !== "agent"), "data-volume"],
      address: ["internet-gateway", "instance"],
      // What secret set made, which up doesn't know.
      parameter: [],
      record: ["address"],
      "log-group": [],
      topic: [],
      alarm: ["topic", "address"],
      dashboard: [],
    });
  });

  it("has alarms, whose topic goes after them and whose address comes before them, and a dashboard", () => {
    const watched = declare({
      alarms: { email: "ops@example.com", failedRequestsPercent: 5, failedTriesPercent: 20 },
      dashboard: true,
    });
    assert.deepEqual(
      watched.filter(isWatching).map((one) => [one.name, one.needs, one.isRetired]),
      [
        ["topic", [], undefined],
        ["alarm-failed-requests", ["topic", "address"], undefined],
        ["alarm-failed-tries", ["topic", "address"], undefined],
        ["alarm-not-serving", ["topic", "address"], undefined],
        ["alarm-disk", ["topic", "address"], undefined],
        ["alarm-certificate", ["topic", "address"], undefined],
        ["alarm", ["topic", "address"], true],
        ["dashboard", [], undefined],
      ],
    );
  });

  it("looks nowhere for alarms and a dashboard that nobody asked for, unless it is taken away", async () => {
    const listed = async (list: readonly StackDeclaration[]) => {
      const before = calls.length;
      for (const one of list.filter(isWatching)) await one.list(ctx, "hello");
      return calls.slice(before).map(({ operation }) => operation);
    };
    assert.deepEqual(await listed(all), []);
    assert.deepEqual(await listed(declareStack({ config, account, zones: [] })), [
      "ListTagsForResource",
      "DescribeAlarms",
      "GetDashboard",
    ]);
  });

  it("has a record for each domain that a zone covers, before a certificate is asked for and until the address goes", () => {
    const changes = { domain: ["app.example.org", "elsewhere.example.net"] };
    const declared = declare(changes, account, [{ id: "Z1", name: "example.org" }]);
    const records = declared.filter(({ kind }) => kind === "record");
    assert.deepEqual(
      records.map((one) => [one.name, one.needs, one.isRetired]),
      [
        ["record", ["address"], true],
        ["record-app-example-org-b0bf13b6", ["address"], undefined],
      ],
    );
    const https = declared.find(({ name }) => name === "https");
    assert.ok(https?.needs.includes("record-app-example-org-b0bf13b6"));
  });

  it("makes no call for records without a domain", async () => {
    const before = sent.length;
    for (const one of all.filter(({ kind }) => kind === "record")) {
      assert.deepEqual(await one.list(ctx, "hello"), []);
      const identity = { stack: "hello", name: one.name, generation: 1, lineage: "a-lineage", tags: {} };
      assert.equal(await one.find(ctx, identity), undefined);
    }
    assert.equal(sent.length, before);
  });

  it("has a data volume if the app has volumes, which the host and the release need", () => {
    const app = { ...config.app, volumes: { uploads: "/app/uploads" } };
    const declared = declare({ app }).filter(({ isRetired }) => isRetired !== true);
    const found = Object.fromEntries(declared.map((one) => [one.name, one.needs]));
    assert.deepEqual(found, {
      ...needs,
      "data-volume": ["subnet"],
      instance: [...needs.instance, "data-volume"],
      release: [...needs.release, "data-volume"],
    });
    const { replaceNote } = declared.find(({ name }) => name === "instance") ?? assert.fail("no instance");
    assert.equal(
      replaceNote,
      "a new host boots beside the old one; then the app stops for about two minutes: the old host is stopped, the data volume moves to the new one, and the app starts there",
    );
  });

  it("says what a replaced host or network means", () => {
    const notes = declarations.filter(({ replaceNote }) => replaceNote !== undefined).map(({ name }) => name);
    assert.deepEqual(notes, ["vpc", "instance"]);
  });
});

describe("the host's role", () => {
  it("can be taken by EC2 and by nobody else", async () => {
    const { Role } = await stranger.iam.send(new GetRoleCommand({ RoleName }));

    assert.deepEqual(policyOf(Role?.AssumeRolePolicyDocument), {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
    });
    assert.equal(Role?.Path, "/berth/eu-central-1/");
  });

  it("may do exactly this, and has no other policy", async () => {
    const { PolicyDocument } = await stranger.iam.send(
      new GetRolePolicyCommand({ RoleName, PolicyName: "berth" }),
    );
    const { PolicyNames } = await stranger.iam.send(new ListRolePoliciesCommand({ RoleName }));
    const { AttachedPolicies } = await stranger.iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));

    const allow = (Action: string[], Resource: string) => ({ Effect: "Allow", Action, Resource });
    assert.deepEqual(policyOf(PolicyDocument), {
      Version: "2012-10-17",
      Statement: [
        allow(["ecr:GetAuthorizationToken"], "*"),
        allow(
          ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
          "arn:aws:ecr:eu-central-1:123456789012:repository/berth/hello",
        ),
        allow(["s3:ListBucket"], bucketArn),
        allow(["s3:GetObject"], `${bucketArn}/release.json`),
        allow(["s3:GetObject"], `${bucketArn}/agent.json`),
        allow(["s3:GetObject"], `${bucketArn}/agent/*.tar.gz`),
        allow(["s3:PutObject"], `${bucketArn}/hosts/*.json`),
        allow(["s3:GetObject"], `${bucketArn}/https.json`),
        allow(["s3:GetObject", "s3:PutObject"], `${bucketArn}/tls/*`),
      ],
    });
    assert.deepEqual([PolicyNames, AttachedPolicies], [["berth"], []]);
  });
});

describe("the host", () => {
  const describeHost = async () => {
    const command = new DescribeInstancesCommand({ InstanceIds: [idOf("instance")] });
    return (await stranger.ec2.send(command)).Reservations?.[0]?.Instances?.[0] ?? assert.fail("no host");
  };

  it("answers for its credentials only to itself, with a token", async () => {
    const { MetadataOptions } = await describeHost();

    assert.equal(MetadataOptions?.HttpTokens, "required");
    assert.equal(MetadataOptions.HttpPutResponseHopLimit, 1);
    assert.equal(MetadataOptions.HttpEndpoint, "enabled");
    // At the launch, and not some time after it.
    assert.deepEqual(sentTo("RunInstances")[0]?.["MetadataOptions"], {
      HttpTokens: "required",
      HttpPutResponseHopLimit: 1,
      HttpEndpoint: "enabled",
    });
  });

  it("has an encrypted disk that goes with it, of the size asked for", async () => {
    const { BlockDeviceMappings = [], RootDeviceName } = await describeHost();
    const Filters = [{ Name: "attachment.instance-id", Values: [idOf("instance")] }];
    const { Volumes = [] } = await stranger.ec2.send(new DescribeVolumesCommand({ Filters }));

    assert.deepEqual(
      BlockDeviceMappings.map(({ DeviceName, Ebs }) => [DeviceName, Ebs?.DeleteOnTermination]),
      [[RootDeviceName, true]],
    );
    assert.deepEqual(
      Volumes.map(({ Encrypted, VolumeType, Size }) => [Encrypted, VolumeType, Size]),
      [[true, "gp3", 12]],
    );
  });

  it("has one network interface that goes with it, no key to log in with, and credit for its boot", () => {
    const [order = {}] = sentTo("RunInstances");

    assert.deepEqual(order["NetworkInterfaces"], [
      {
        DeviceIndex: 0,
        SubnetId: idOf("subnet"),
        Groups: [idOf("security-group")],
        AssociatePublicIpAddress: true,
        DeleteOnTermination: true,
      },
    ]);
    assert.deepEqual(order["CreditSpecification"], { CpuCredits: "unlimited" });
    assert.deepEqual([order["MinCount"], order["MaxCount"], order["KeyName"]], [1, 1, undefined]);
    assert.match(String(order["ClientToken"]), /^berth-/);
  });

  it("carries its owner's tags on all that one call makes", () => {
    const [order = {}] = sentTo("RunInstances");
    const owned = {
      Team: "harbour",
      "berth:stack": "hello",
      "berth:resource": "instance",
      "berth:generation": "1",
      "berth:os": "debian-13",
    };
    const Tags = Object.entries(owned).map(([Key, Value]) => ({ Key, Value }));

    assert.deepEqual(
      order["TagSpecifications"],
      ["instance", "volume", "network-interface"].map((ResourceType) => ({ ResourceType, Tags })),
    );
  });

  it("is told nothing but where to look", async () => {
    const command = new DescribeInstanceAttributeCommand({
      InstanceId: idOf("instance"),
      Attribute: "userData",
    });
    const { UserData } = await stranger.ec2.send(command);
    const text = Buffer.from(UserData?.Value ?? "", "base64").toString("utf8");

    assert.match(text, /berth-hello-123456789012-eu-central-1/);
    assert.doesNotMatch(text, /AKIA|aws_secret|password/i);
  });
});

describe("the network", () => {
  it("lets in exactly what berth.yaml says, and lets all out", async () => {
    const command = new DescribeSecurityGroupsCommand({ GroupIds: [idOf("security-group")] });
    const { SecurityGroups = [] } = await stranger.ec2.send(command);
    const flat = (SecurityGroups[0]?.IpPermissions ?? []).flatMap((one) =>
      (one.IpRanges ?? []).map(({ CidrIp }) => `${one.IpProtocol}/${one.FromPort}-${one.ToPort} ${CidrIp}`),
    );

    assert.deepEqual(flat.toSorted(), [
      "tcp/80-80 0.0.0.0/0",
      "tcp/8443-8443 198.51.100.7/32",
      "tcp/8443-8443 203.0.113.0/24",
    ]);
    assert.deepEqual(
      SecurityGroups[0]?.IpPermissionsEgress?.map(({ IpProtocol, IpRanges }) => [
        IpProtocol,
        IpRanges?.map(({ CidrIp }) => CidrIp),
      ]),
      [["-1", ["0.0.0.0/0"]]],
    );
  });

  it("gives nothing in its subnet a public address unasked", async () => {
    const { Subnets = [] } = await stranger.ec2.send(
      new DescribeSubnetsCommand({ SubnetIds: [idOf("subnet")] }),
    );

    assert.deepEqual(
      Subnets.map(({ MapPublicIpOnLaunch, CidrBlock, VpcId }) => [MapPublicIpOnLaunch, CidrBlock, VpcId]),
      [[false, "10.20.0.0/24", idOf("vpc")]],
    );
  });

  it("reaches S3 by a gateway endpoint, which is free", async () => {
    const command = new DescribeVpcEndpointsCommand({ VpcEndpointIds: [idOf("s3-endpoint")] });
    const { VpcEndpoints = [] } = await stranger.ec2.send(command);

    assert.deepEqual(
      VpcEndpoints.map(({ VpcEndpointType, ServiceName, RouteTableIds }) => [
        VpcEndpointType,
        ServiceName,
        RouteTableIds,
      ]),
      [["Gateway", "com.amazonaws.eu-central-1.s3", [idOf("route-table")]]],
    );
  });
});

describe("the bucket", () => {
  const { s3 } = stranger;

  it("denies everything over plain HTTP, on itself and on each object", async () => {
    const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket }));

    assert.deepEqual(policyOf(Policy), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "BerthDenyPlainHttp",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: [bucketArn, `${bucketArn}/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
  });

  it("can't become public in any of the four ways, and belongs to its owner with all that is in it", async () => {
    const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    const { OwnershipControls } = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }));

    assert.deepEqual(PublicAccessBlockConfiguration, {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    });
    assert.deepEqual(OwnershipControls?.Rules, [{ ObjectOwnership: "BucketOwnerEnforced" }]);
  });

  it("is encrypted, keeps what was replaced for 90 days, and what was half sent for 7", async () => {
    const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));

    const [encryption] = ServerSideEncryptionConfiguration?.Rules ?? [];
    assert.equal(encryption?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, "AES256");
    assert.equal(Status, "Enabled");
    assert.deepEqual(
      Rules.map((rule) => [
        rule.Status,
        rule.Filter?.Prefix ?? "",
        rule.Expiration,
        rule.NoncurrentVersionExpiration?.NoncurrentDays,
        rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
      ]),
      [["Enabled", "", undefined, 90, 7]],
    );
  });
});

describe("the repository", () => {
  it("holds tags that can't be moved, scans what comes, and drops only what has no tag", async () => {
    const repositoryName = "berth/hello";
    const { repositories = [] } = await stranger.ecr.send(
      new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }),
    );
    const { lifecyclePolicyText } = await stranger.ecr.send(
      new GetLifecyclePolicyCommand({ repositoryName }),
    );

    assert.equal(repositories[0]?.imageTagMutability, "IMMUTABLE");
    assert.equal(repositories[0]?.imageScanningConfiguration?.scanOnPush, true);
    assert.deepEqual(policyOf(lifecyclePolicyText), {
      rules: [
        {
          rulePriority: 1,
          description: "berth: untagged images",
          selection: {
            tagStatus: "untagged",
            countType: "sinceImagePushed",
            countUnit: "days",
            countNumber: 14,
          },
          action: { type: "expire" },
        },
      ],
    });
    assert.deepEqual(
      sentTo("CreateRepository").map((input) => input["encryptionConfiguration"]),
      [{ encryptionType: "AES256" }],
    );
  });
});
