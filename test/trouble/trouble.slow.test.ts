import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { DeleteVpcEndpointsCommand, DescribeVpcEndpointsCommand } from "@aws-sdk/client-ec2";
import { BerthError } from "../../lib/errors.ts";
import type { Target } from "../strict-aws/faults.ts";
import { changes } from "../drift/rows.ts";
import { linesOf, openDriftingStack } from "../drift/stack.ts";

/** Longer than any run: one that can't give its lease back leaves it until S3's clock is put forward. */
const leaseSeconds = 900;
process.env["BERTH_LEASE_SECONDS"] = String(leaseSeconds);
const { aws, stack, stranger, refresh } = await openDriftingStack("test-trouble");
const { cli } = stack;
const unsaved = () => join(process.env["BERTH_HOME"] ?? "", "unsaved", `${cli.stack}-${cli.region}.json`);

async function drift(...resources: string[]): Promise<void> {
  await refresh();
  for (const { resource, act } of changes) if (resources.includes(resource)) await act(stranger);
}

async function loseEndpoint(): Promise<void> {
  await refresh();
  await stranger.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [stranger.id("s3-endpoint")] }));
}

async function livingEndpoints(): Promise<string[]> {
  const { VpcEndpoints = [] } = await stranger.ec2.send(new DescribeVpcEndpointsCommand({}));
  const living = VpcEndpoints.filter(({ State }) => String(State).toLowerCase() !== "deleted");
  return living.flatMap(({ VpcEndpointId }) => VpcEndpointId ?? []);
}

/** From the first call of the operation on, until it is taken away. */
function from(operation: string, start: () => void): void {
  const off = aws.on(({ call, stage }) => {
    if (call.operation !== operation || stage !== "decided") return;
    off();
    start();
  });
}

async function failureOf(run: Promise<unknown>): Promise<BerthError> {
  const { explainAwsError } = await import("../../lib/aws/explanation.ts");
  const error: unknown = await run.then(
    () => undefined,
    (one: unknown) => explainAwsError(one, "up"),
  );
  assert.ok(error instanceof BerthError, String(error));
  return error;
}

/** How often the calls that match were sent, retries included. */
function sent(before: number, operation: string): number {
  return aws.calls.slice(before).filter((call) => call.operation === operation).length;
}

async function expectClean(): Promise<void> {
  aws.faults.clear();
  await aws.ageObjects(leaseSeconds * 1000);
  await stack.up({ waitMs: 30_000 });
  assert.deepEqual(linesOf((await stack.plan()).plan), []);
}

describe("trouble from AWS", () => {
  afterEach(() => aws.faults.clear());

  for (const fault of ["throttle", "429", "500", "503", "before", "after"] as const) {
    it(`${fault} at the first try of every kind of call is outlived`, async () => {
      await drift("security-group", "role", "route-table", "instance-profile", "repository");
      const struck = new Set<string>();
      const first: Target = ({ service, operation }) => {
        const name = `${service}:${operation}`;
        return !struck.has(name) && struck.add(name).has(name);
      };
      const planned = aws.faults.always(first, fault);

      await stack.up();

      assert.ok(planned.hits > 20, `${planned.hits} calls were struck`);
      aws.faults.clear();
      assert.deepEqual(linesOf((await stack.plan()).plan), []);
    });
  }

  it("a service that never answers is given up after a bounded number of tries", async () => {
    await drift("role");
    aws.faults.always("iam:UpdateRole", "503");
    const before = aws.calls.length;

    await failureOf(stack.up());

    assert.equal(sent(before, "UpdateRole"), 6);
    await expectClean();
  });

  it("an outage of S3 in the middle: the document is kept beside the user, and the next run merges it", async () => {
    await loseEndpoint();
    from("CreateVpcEndpoint", () => aws.faults.always("s3:*", "503"));

    const error = await failureOf(stack.up());

    assert.equal(error.code, "StateUnsaved", error.message);
    assert.ok(existsSync(unsaved()));
    const made = await livingEndpoints();
    await expectClean();
    assert.deepEqual(await livingEndpoints(), made);
    assert.equal(existsSync(unsaved()), false);
    await refresh();
    assert.deepEqual(made, [stranger.id("s3-endpoint")]);
  });

  it("credentials that expire in the middle are named, not tried again, and the next run goes on", async () => {
    await drift("security-group", "role");
    from("AuthorizeSecurityGroupIngress", () => aws.faults.always("*", "expired"));
    const before = aws.calls.length;

    const error = await failureOf(stack.up());

    assert.equal(error.code, "ExpiredCredentials", error.message);
    const tries = aws.calls.slice(before).filter(({ outcome }) => outcome?.includes("Expired"));
    assert.ok(tries.length <= 12, `${tries.length} calls with expired credentials`);
    await expectClean();
  });

  it("an action that is denied in the middle is named with its resource; allowed again, up goes on", async () => {
    await drift("security-group", "role");
    aws.faults.always("ec2:AuthorizeSecurityGroupIngress", "denied");
    const before = aws.calls.length;

    const ended = await cli.run("up", "--yes");

    const told = ended.events.find(({ event }) => event === "error");
    assert.deepEqual(
      [ended.exitCode, told?.["code"], told?.["resource"]],
      [1, "AccessDenied", "security-group"],
    );
    assert.match(String(told?.["message"]), /ec2:AuthorizeSecurityGroupIngress/);
    assert.equal(sent(before, "AuthorizeSecurityGroupIngress"), 1);
    await expectClean();
  });

  it("an action that is denied to down is named the same way; up makes whole what went before", async () => {
    await expectClean();
    aws.faults.always("ec2:DeleteSubnet", "denied");

    const ended = await cli.run("down", "--yes");

    const told = ended.events.find(({ event }) => event === "error");
    assert.deepEqual([ended.exitCode, told?.["code"], told?.["resource"]], [1, "AccessDenied", "subnet"]);
    assert.match(String(told?.["message"]), /ec2:DeleteSubnet/);
    await expectClean();
  });
});
