import { DeleteTagsCommand, DescribeCustomerGatewaysCommand } from "@aws-sdk/client-ec2";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { fromRoot, root } from "../../lib/paths.ts";
import { stackNames } from "../../lib/stack.ts";
import { runOrFail } from "../../setup/child-process.ts";
import { stateKey } from "../../state/store.ts";
import { openTreeCopy, type TreeCopy } from "../planted/tree-copy.ts";
import { openCli, type Cli } from "../strict-aws/cli.ts";
import { startStrictAws, type StrictAws } from "../strict-aws/strict-aws.ts";

const kindFile = "lib/resources/network/customer-gateway.ts";
const declaration = `    customerGateway: declare({ name: "customer-gateway", resource: customerGateway, desired: () => ({ ip: "192.0.2.9" }) }),`;

/** In a copy of the repository: the kind's file, and two lines in the stack, one of them an import. */
async function addKind(tree: string): Promise<void> {
  const kind = await readFile(fromRoot("test/new-kind/customer-gateway.ts"), "utf8");
  await writeFile(join(tree, kindFile), kind.replaceAll('"../../lib/', '"../../'));
  const path = join(tree, "lib/stack.ts");
  const stack = await readFile(path, "utf8");
  const declared = stack.replace(/^ {4}securityGroup: theSecurityGroup,$/m, `$&\n${declaration}`);
  assert.notEqual(declared, stack);
  const imported = 'import { customerGateway } from "./resources/network/customer-gateway.ts";\n';
  await writeFile(path, imported + declared);
}

describe("another kind of resource", () => {
  let directory: string;
  let tree: TreeCopy;
  let aws: StrictAws;
  let cli: Cli;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-new-kind-"));
    tree = await openTreeCopy(root);
    await addKind(tree.path);
    aws = await startStrictAws({ logDirectory: directory, ecr: true });
    cli = await openCli({ aws, directory, stack: "another", tree: tree.path });
  });
  after(async () => {
    await cli?.[Symbol.asyncDispose]();
    await aws?.[Symbol.asyncDispose]();
    await tree?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const clients = () =>
    createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
  const own = async () => {
    const filter = { Name: "tag:berth:stack", Values: [cli.stack] };
    const { CustomerGateways = [] } = await clients().ec2.send(
      new DescribeCustomerGatewaysCommand({ Filters: [filter] }),
    );
    return CustomerGateways.filter(({ State }) => State !== "deleted");
  };
  const run = async (command: "up" | "plan" | "down", exitCode: number) => {
    const ended = await cli.run(command, ...(command === "plan" ? [] : ["--yes"]));
    assert.equal(ended.exitCode, exitCode, `${ended.stderr}${JSON.stringify(ended.events)}`);
    return ended;
  };

  it("takes its own file and two lines in the stack", async () => {
    const changed = await runOrFail("git", ["-C", tree.path, "diff", "--numstat"], { what: "git diff" });
    assert.equal(changed.trim(), "2	0	lib/stack.ts");
    const added = await runOrFail(
      "git",
      ["-C", tree.path, "ls-files", "--others", "--exclude-standard", "lib"],
      {
        what: "git ls-files",
      },
    );
    assert.equal(added.trim(), kindFile);
  });

  it("is created, found again, repaired, known without a state document, and taken away with the rest", async () => {
    await run("up", 0);
    const [made] = await own();
    assert.ok(made?.CustomerGatewayId);
    await run("plan", 0);

    await clients().ec2.send(
      new DeleteTagsCommand({ Resources: [made.CustomerGatewayId], Tags: [{ Key: "Name" }] }),
    );
    await run("plan", 2);
    await run("up", 0);
    assert.deepEqual(
      (await own()).map(({ CustomerGatewayId }) => CustomerGatewayId),
      [made.CustomerGatewayId],
    );

    const { bucket } = stackNames({ stack: cli.stack, region: cli.region }, localAccount);
    await clients().s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: stateKey }));
    await run("plan", 0);

    const { events } = await run("down", 0);
    const census = events.find(({ event }) => event === "census");
    assert.equal(Object(census?.["counts"])["customer-gateway"], 0);
    assert.deepEqual(await own(), []);
  });
});
