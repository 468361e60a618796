import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDocker } from "../lib/docker/connection.ts";
import { bundle, bundled, commands } from "../setup/compile/bundle.ts";
import { type Home, openHome } from "../test/commands/stack.ts";
import { runInMachine } from "../test/local/machine-shell.ts";

const supervisor = "lib/local/supervisor.ts";

/** An embedded AWS of its own, whose commands are compiled as npm runs them. */
export async function openCompiledHome(): Promise<Home> {
  const compiled = await mkdtemp(join(tmpdir(), "berth-bench-"));
  await bundle([...commands, supervisor], compiled);
  process.env["BERTH_BUNDLE"] = compiled;
  process.env["BERTH_SUPERVISOR"] = bundled(supervisor, compiled);
  const home = await openHome();
  return {
    ...home,
    [Symbol.asyncDispose]: async () => {
      await home[Symbol.asyncDispose]();
      await rm(compiled, { recursive: true, force: true });
    },
  };
}

/** What a script prints on the only host. */
export async function runOnHost(home: Home, script: string): Promise<string> {
  const { ec2 } = await home.clients();
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const host = Reservations[0]?.Instances?.[0]?.InstanceId ?? "";
  return runInMachine(await connectDocker(), host, script);
}
