import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
} from "@aws-sdk/client-ec2";
import { DeleteObjectCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { type Clients, createClients } from "../../lib/aws/clients.ts";
import { type Cli, type Ended, openCli } from "../strict-aws/cli.ts";
import { type StrictAws, startStrictAws } from "../strict-aws/strict-aws.ts";

/** What the commands say of data, against an AWS without machines. Each step starts with what the one before left. */
describe("a stack with data", () => {
  let directory: string;
  let aws: StrictAws;
  let cli: Cli;
  let ec2: Clients["ec2"];
  let s3: Clients["s3"];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-data-"));
    const rules = { offeredZones: { "m5.large": ["eu-central-1b", "eu-central-1c"] } };
    aws = await startStrictAws({ logDirectory: directory, ecr: true, rules });
    cli = await openCli({ aws, directory, stack: "test-data" });
    cli.environment["BERTH_HOME"] = join(directory, "home");
    const access = { region: cli.region, endpoints: aws.bare, credentials: aws.credentials };
    ({ ec2, s3 } = createClients(access));
  });
  after(async () => {
    await cli?.[Symbol.asyncDispose]();
    await aws?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const app = () => ({ source: join(directory, "app"), port: 8080 });
  const configure = (instance: object = {}) =>
    cli.configure({ app: { ...app(), volumes: { uploads: "/app/uploads" } }, instance });
  const volumes = async () => {
    const Filters = [{ Name: "tag:berth:resource", Values: ["data-volume"] }];
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters }));
    return Volumes;
  };
  const writes = ({ summary }: Ended) => summary?.calls.write;

  async function expectRefusal(run: Promise<Ended>, code: string, message: RegExp, hint: RegExp) {
    const ended = await run;
    const error = ended.events.find(({ event }) => event === "error");
    assert.equal(ended.exitCode, 3, JSON.stringify(error));
    assert.equal(error?.["code"], code);
    assert.match(String(error["message"]), message);
    assert.match(String(error["hint"]), hint);
    assert.equal(writes(ended), 0);
  }

  it("is made, costs what its disk costs, and needs nothing more", async () => {
    await configure({ dataGib: 10 });
    const up = await cli.run("up", "--yes");
    assert.equal(up.exitCode, 0, up.stderr);
    assert.equal(up.events.find(({ event }) => event === "outputs")?.["cost"], 14.65);
    const again = await cli.run("up", "--yes");
    assert.deepEqual([again.exitCode, writes(again)], [0, 0]);
  });

  it("is refused a smaller disk, before anything is changed", async () => {
    await configure({ dataGib: 9 });
    const message =
      /^data volume vol-\w+ has 10 GiB, and a volume can't become smaller; instance.dataGib is 9$/;
    for (const command of ["plan", "up"] as const)
      await expectRefusal(cli.run(command, "--yes"), "DataShrinks", message, /dataGib to 10 or more/);
  });

  it("is refused to lose its volumes from the configuration", async () => {
    await cli.configure({ app: app() });
    for (const command of ["plan", "up"] as const)
      await expectRefusal(
        cli.run(command, "--yes"),
        "DataUndeclared",
        /has no app\.volumes, but data volume vol-\w+ \(10 GiB\) of test-data is there; nothing was changed$/,
        /put app\.volumes back .* --keep-data .* --delete-data/,
      );
  });

  it("is refused a choice between two volumes with its tags when the state document is lost", async () => {
    await configure({ dataGib: 10 });
    const [{ AvailabilityZone, Tags = [] } = {}] = await volumes();
    const later = Tags.map(({ Key, Value }) => ({ Key, Value: Key === "berth:generation" ? "2" : Value }));
    const TagSpecifications = [{ ResourceType: "volume" as const, Tags: later }];
    const other = await ec2.send(new CreateVolumeCommand({ AvailabilityZone, Size: 10, TagSpecifications }));
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    const Bucket = Buckets.find(({ Name }) => Name?.startsWith("berth-test-data-"))?.Name;
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "state.json" }));
    await expectRefusal(
      cli.run("up", "--yes"),
      "DataAmbiguous",
      /^2 data volumes have the tags of test-data: vol-\w+, vol-\w+; nothing was changed$/,
      /remove the tag berth:stack/,
    );
    assert.equal((await volumes()).length, 2);
    await ec2.send(new DeleteVolumeCommand({ VolumeId: other.VolumeId }));
  });

  it("is not taken down by --yes alone, and says how", async () => {
    await expectRefusal(
      cli.run("down", "--yes"),
      "DataUndecided",
      /^test-data has data on vol-\w+, and it isn't said what becomes of it; nothing was removed$/,
      /--keep-data .* --delete-data/,
    );
    assert.equal((await volumes()).length, 1);
  });

  it("gets its volume attached again when somebody detached it", async () => {
    await configure({ dataGib: 10 });
    const [{ VolumeId, Attachments = [] } = {}] = await volumes();
    await ec2.send(new DetachVolumeCommand({ VolumeId, InstanceId: Attachments[0]?.InstanceId }));
    const plan = await cli.run("plan");
    assert.match(JSON.stringify(plan.events), /"field":"data-volume","desired":"vol-\w+","observed":"none"/);
    assert.equal((await cli.run("up", "--yes")).exitCode, 0);
    assert.equal((await volumes())[0]?.Attachments?.[0]?.InstanceId, Attachments[0]?.InstanceId);
  });

  it("keeps its Availability Zone when the host is replaced", async () => {
    const [{ AvailabilityZone } = {}] = await volumes();
    await configure({ dataGib: 10, type: "t3.small" });
    const up = await cli.run("up", "--yes");
    assert.equal(up.exitCode, 0, JSON.stringify(up.events.at(-2)));
    const Filters = [{ Name: "instance-state-name", Values: ["running"] }];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    const hosts = Reservations.flatMap(({ Instances = [] }) => Instances);
    assert.deepEqual(
      hosts.map(({ InstanceType, Placement }) => [InstanceType, Placement?.AvailabilityZone]),
      [["t3.small", AvailabilityZone]],
    );
    assert.equal((await volumes())[0]?.Attachments?.[0]?.InstanceId, hosts[0]?.InstanceId);
  });

  it("is refused an instance type that the zone of its data doesn't offer, and told how to move", async () => {
    const [{ AvailabilityZone } = {}] = await volumes();
    assert.equal(AvailabilityZone, "eu-central-1a");
    await configure({ dataGib: 10, type: "m5.large" });
    for (const command of ["plan", "up"] as const)
      await expectRefusal(
        cli.run(command, "--yes"),
        "DataInOtherZone",
        /^m5\.large isn't offered in eu-central-1a, and data volume vol-\w+ is there: a volume can't leave its Availability Zone$/,
        /instance\.type that eu-central-1a offers; .*--keep-data, then berth up --restore-data latest$/,
      );
    await configure({ dataGib: 10, type: "t3.small" });
  });

  it("whose volume is gone is not begun anew without a word", async () => {
    const [{ VolumeId, Attachments = [] } = {}] = await volumes();
    await ec2.send(new DetachVolumeCommand({ VolumeId, InstanceId: Attachments[0]?.InstanceId }));
    await ec2.send(new DeleteVolumeCommand({ VolumeId }));
    await expectRefusal(
      cli.run("up", "--yes"),
      "DataOriginUndecided",
      /^data volume vol-\w+ is gone\. There is no snapshot of the data of test-data; nothing was changed$/,
      /berth up --new-data/,
    );
    assert.equal((await cli.run("up", "--yes", "--new-data")).exitCode, 0);
    assert.notEqual((await volumes())[0]?.VolumeId, VolumeId);
  });

  it("is kept with its cost, offered, and restored only from a snapshot that there is", async () => {
    const down = await cli.run("down", "--yes", "--keep-data");
    assert.equal(down.exitCode, 0);
    const kept = down.events.find(({ event }) => event === "census")?.["kept"];
    assert.ok(Array.isArray(kept) && kept.length === 1);
    await expectRefusal(
      cli.run("up", "--yes"),
      "DataOriginUndecided",
      /^There is earlier data of test-data; nothing was changed$/,
      /--restore-data latest .* --new-data/,
    );
    await expectRefusal(
      cli.run("up", "--yes", "--restore-data", "snap-0123456789abcdef0"),
      "NoSuchSnapshot",
      /no complete snapshot snap-0123456789abcdef0; nothing was changed$/,
      /--new-data/,
    );
    await configure({ dataGib: 5 });
    await expectRefusal(
      cli.run("up", "--yes", "--restore-data", "latest"),
      "DataShrinks",
      /^snapshot snap-\w+ is of 10 GiB, and a volume can't become smaller; instance\.dataGib is 5$/,
      /10 or more/,
    );
  });

  it("is restored, and goes with all of its snapshots in the end", async () => {
    await configure({ dataGib: 12 });
    assert.equal((await cli.run("up", "--yes", "--restore-data", "latest")).exitCode, 0);
    const [{ SnapshotId, Size } = {}] = await volumes();
    assert.match(String(SnapshotId), /^snap-/);
    assert.equal(Size, 12);
    const down = await cli.run("down", "--yes", "--delete-data");
    assert.equal(down.exitCode, 0);
    assert.deepEqual(down.events.find(({ event }) => event === "census")?.["kept"], []);
    const snapshot = await cli.run("snapshot");
    assert.equal(snapshot.events.find(({ event }) => event === "error")?.["code"], "NoData");
  });
});
