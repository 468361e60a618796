import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import type Docker from "dockerode";
import type { Clients } from "../../lib/aws/clients.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import { fromRoot } from "../../lib/paths.ts";
import { type Finished, requireExit, runScript } from "../commands/command-line.ts";
import { type Home, openHome, region, Stack } from "../commands/stack.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { openAttackedApp, type AttackedApp } from "./attacked-app.ts";
import { openOtherUser, type OtherUser } from "./other-user.ts";
import { openSideStacks, type SideStacks } from "./side-stacks.ts";

const account = "123456789012";

/** A stack like a user's: `up` has booted its host on a separate embedded AWS, and the app answers. */
export interface Target {
  /** The address that visitors reach; port 80. */
  readonly address: string;
  readonly app: AttackedApp;
  readonly docker: Docker;
  readonly instanceId: string;
  readonly bucket: string;
  readonly clients: Clients;
  /** The folder that BERTH_HOME names. */
  readonly home: string;
  /** The embedded AWS's process. */
  readonly supervisor: number;
  /** A shell of the machine, as root. */
  readonly machine: (script: string) => Promise<string>;
  /** One of Berth's commands on this stack, as its operator runs it. */
  readonly command: (script: string, ...args: readonly string[]) => Promise<Finished>;
  readonly otherUser: OtherUser;
  /** Stacks of which only the bucket is there, in an AWS of their own: for what would destroy. */
  readonly side: SideStacks;
}

/** Boots everything that the attacks need, once. */
export async function openTarget(): Promise<Target & AsyncDisposable> {
  await using parts = new Disposables();
  const docker = await connectDocker();
  const home = parts.use(await openHome());
  const secret = randomBytes(16).toString("hex");
  const side = parts.use(await openSideStacks());
  const otherUser = parts.use(await openOtherUser(docker));
  const address = await bringUp(home, secret);
  const clients = await home.clients();
  const instanceId = await findInstance(clients);
  const env = { BERTH_HOME: home.directory };
  const config = join(home.directory, "attacked.yaml");
  const kept = parts.move();
  return {
    address,
    app: openAttackedApp(address, secret),
    docker,
    instanceId,
    bucket: `berth-attacked-${account}-${region}`,
    clients,
    home: home.directory,
    supervisor: (await home.supervisor()) ?? 0,
    machine: (script) => runInMachine(docker, instanceId, script),
    command: (script, ...args) => runScript(script, ["--config", config, "--local", ...args], { env }),
    otherUser,
    side,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

async function bringUp(home: Home, secret: string): Promise<string> {
  const stack = new Stack(home, "attacked");
  // Only one replica, so that it has seen every request.
  const lines = [
    "  replicas: 1",
    "  memoryMib: 192",
    `  environment: { SECRET: "${secret}" }`,
    "edge: { answerSeconds: 240 }",
    // With every right that a host's role may have.
    "metrics: true",
  ];
  await stack.configure({ source: fromRoot("test/attacks/app"), lines });
  const up = await stack.up();
  requireExit(up, 0);
  return new URL(String(up.summary["url"])).hostname;
}

async function findInstance({ ec2 }: Clients): Promise<string> {
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: "instance-state-name", Values: ["running"] }] }),
  );
  const id = Reservations.flatMap(({ Instances = [] }) => Instances)[0]?.InstanceId;
  if (id === undefined) throw new Error("up has made no instance");
  return id;
}
