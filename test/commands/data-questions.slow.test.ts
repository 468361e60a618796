import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DescribeSnapshotsCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import { type Clients, createClients } from "../../lib/aws/clients.ts";
import { type Cli, openCli } from "../strict-aws/cli.ts";
import { type StrictAws, startStrictAws } from "../strict-aws/strict-aws.ts";
import { type Answer, runOnTerminal } from "./terminal.ts";

const stack = "test-answers";
const fate = "What becomes of the data on ";
const origin = "Type restore, or new for an empty volume:";
const removal = `Remove all of it? Type the stack's name (${stack}):`;
const changes = "Type yes:";

/** What the commands ask about data on a terminal. Each step starts with what the one before left. */
describe("a question about data", () => {
  let directory: string;
  let aws: StrictAws;
  let cli: Cli;
  let ec2: Clients["ec2"];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-questions-"));
    aws = await startStrictAws({ logDirectory: directory, ecr: true });
    cli = await openCli({ aws, directory, stack });
    cli.environment["BERTH_HOME"] = join(directory, "home");
    ({ ec2 } = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials }));
    const source = join(directory, "app");
    await cli.configure({ app: { source, port: 8080, volumes: { uploads: "/app/uploads" } } });
    assert.equal((await cli.run("up", "--yes")).exitCode, 0);
  });
  after(async () => {
    await cli?.[Symbol.asyncDispose]();
    await aws?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const type = (script: string, answers: readonly Answer[], ...more: string[]) =>
    runOnTerminal(script, ["--config", cli.config, ...more], { env: cli.environment, answers });
  const up = (...answers: Answer[]) => type("provision/up.ts", answers);
  const down = (...answers: Answer[]) => type("teardown/down.ts", answers);
  const Filters = [{ Name: "tag:berth:stack", Values: [stack] }];
  const volumes = async () => {
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters }));
    return Volumes.filter(({ Tags = [] }) => Tags.some(({ Value }) => Value === "data-volume"));
  };
  const snapshots = async () => {
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ Filters }));
    return Snapshots.map(({ SnapshotId = "" }) => SnapshotId);
  };

  for (const [name, answers, exitCode, words] of [
    ["another word", [[fate, "perhaps\n"]], 1, /neither "keep" nor "delete"; nothing was changed/],
    ["Ctrl-C", [[fate, "\u0003"]], 130, /Cancelled; nothing changed/],
    [
      "another stack's name",
      [
        [fate, "delete\n"],
        [removal, "shop\n"],
      ],
      1,
      /was not "test-answers"; nothing/,
    ],
  ] satisfies [string, Answer[], number, RegExp][]) {
    it(`of down is left by ${name}, and nothing is changed`, async () => {
      const { exitCode: code, screen } = await down(...answers);
      assert.equal(code, exitCode, screen);
      assert.match(screen, words);
      assert.deepEqual([(await volumes()).length, await snapshots()], [1, []]);
    });
  }

  it("of down is answered by keep: the snapshot stays, and is named", async () => {
    const [{ VolumeId } = {}] = await volumes();
    const { exitCode, screen } = await down([fate, "keep\n"], [removal, `${stack}\n`]);
    assert.equal(exitCode, 0, screen);
    assert.ok(screen.includes(`${fate}${VolumeId}? Type keep (as a snapshot) or delete:`), screen);
    const [kept = "none", ...more] = await snapshots();
    assert.ok(screen.includes(kept), screen);
    assert.deepEqual([more, await volumes()], [[], []]);
  });

  it("of up is left by another word, and nothing is made", async () => {
    const { exitCode, screen } = await up([origin, "yes\n"]);
    assert.equal(exitCode, 1, screen);
    assert.match(screen, /Declined: the answer was neither "restore" nor "new"; nothing was changed/);
    assert.deepEqual(await volumes(), []);
  });

  it("of up is answered by new: the volume is empty, and the snapshot stays", async () => {
    const { exitCode, screen } = await up([origin, "new\n"], [changes, "yes\n"]);
    assert.equal(exitCode, 0, screen);
    assert.deepEqual(
      (await volumes()).map(({ SnapshotId }) => SnapshotId ?? ""),
      [""],
    );
    assert.equal((await snapshots()).length, 1);
  });

  it("of up offers the newest of several snapshots, and restores it", async () => {
    const earlier = await snapshots();
    assert.equal((await cli.run("down", "--yes", "--keep-data")).exitCode, 0);
    const newest = (await snapshots()).find((id) => !earlier.includes(id)) ?? "none";
    const { exitCode, screen } = await up([origin, "restore\n"], [changes, "yes\n"]);
    assert.equal(exitCode, 0, screen);
    assert.ok(screen.includes(`Restore the newest (${newest})? ${origin}`), screen);
    for (const id of await snapshots())
      assert.match(screen, new RegExp(`${id} {2}8 GiB of vol-\\w+, taken 20`));
    assert.deepEqual(
      (await volumes()).map(({ SnapshotId }) => SnapshotId),
      [newest],
    );
  });

  it("of down names the snapshots that go with the volume before it asks for the stack's name", async () => {
    const ids = await snapshots();
    assert.equal(ids.length, 2);
    for (const answers of [
      [[removal, "no\n"]],
      [
        [fate, "delete\n"],
        [removal, "no\n"],
      ],
    ] satisfies Answer[][]) {
      const options = answers.length === 1 ? ["--delete-data"] : [];
      const { exitCode, screen } = await type("teardown/down.ts", answers, ...options);
      assert.equal(exitCode, 1, screen);
      const [shown = ""] = screen.split(removal);
      for (const id of ids) assert.ok(shown.includes(id), screen);
    }
    assert.deepEqual([(await volumes()).length, await snapshots()], [1, ids]);
  });

  it("comes up too when only snapshots are left to be deleted", async () => {
    assert.equal((await cli.run("down", "--yes", "--keep-data")).exitCode, 0);
    const ids = await snapshots();
    const question = `Delete all of them? Type the stack's name (${stack}):`;
    const no = await type("teardown/down.ts", [[question, "no\n"]], "--delete-data");
    assert.equal(no.exitCode, 1, no.screen);
    for (const id of ids) assert.ok(no.screen.split(question)[0]?.includes(id), no.screen);
    const unasked = await cli.run("down", "--delete-data");
    assert.equal(unasked.events.find(({ event }) => event === "error")?.["code"], "NeedsConfirmation");
    assert.deepEqual(await snapshots(), ids);
    const yes = await type("teardown/down.ts", [[question, `${stack}\n`]], "--delete-data");
    assert.equal(yes.exitCode, 0, yes.screen);
    assert.deepEqual(await snapshots(), []);
  });
});
