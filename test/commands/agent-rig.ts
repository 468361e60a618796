import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { connectDocker } from "../../lib/docker/connection.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import { fromRoot } from "../../lib/paths.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { askDuring } from "../host/clients.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { openTreeCopy, type TreeCopy } from "../planted/tree-copy.ts";
import { greetingApp } from "./apps.ts";
import { type Finished, requireExit } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

/** Of load on either side of an update. */
const aroundMs = Number(process.env["BERTH_LOAD_SECONDS"] ?? 10) * 500;

/** A stack that is up, and a copy of Berth whose agent can be changed. */
export class AgentRig implements AsyncDisposable {
  readonly #home: Home;
  readonly #tree: TreeCopy;
  readonly #opened: Disposables;
  readonly stack: Stack;
  readonly #url: string;
  #version = 1;

  private constructor(home: Home, tree: TreeCopy, up: { stack: Stack; url: string; opened: Disposables }) {
    [this.#home, this.#tree, this.#opened] = [home, tree, up.opened];
    [this.stack, this.#url] = [up.stack, up.url];
  }

  static async open(): Promise<AgentRig> {
    await using opened = new Disposables();
    const home = opened.use(await openHome());
    const tree = opened.use(await openTreeCopy(fromRoot(".")));
    const stack = new Stack(home, "hello");
    opened.use({ [Symbol.asyncDispose]: async () => void (await stack.down()) });
    // It never fails by itself: whatever a client gets besides its answer is the host's.
    const app = opened.use(await writeSourceFolder(greetingApp("hello")));
    await stack.configure({ source: app.path });
    const first = await stack.up();
    requireExit(first, 0);
    return new AgentRig(home, tree, { stack, url: String(first.summary["url"]), opened: opened.move() });
  }

  /** Another version of one of the host's files. */
  async change(name: string, from: string | RegExp, to: string): Promise<void> {
    const path = join(this.#tree.path, "lib/host/agent/usr/local/lib/berth", name);
    const text = await readFile(path, "utf8");
    assert.notEqual(text.replace(from, to), text);
    await writeFile(path, text.replace(from, to));
  }

  /** Changes two of the host's files, and returns the line that is new in each. */
  async changeVersion(): Promise<{ readonly program: string; readonly setting: string }> {
    this.#version += 1;
    const program = `POLL_S = 1.${this.#version}`;
    const setting = `proxy_connect_timeout ${this.#version}s;`;
    await this.change("converge.py", /^POLL_S = .*$/m, program);
    await this.change("switch.conf", /proxy_connect_timeout .*;/, setting);
    return { program, setting };
  }

  async instanceId(): Promise<string> {
    const { ec2 } = await this.#home.clients();
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    const running = Reservations.flatMap(({ Instances = [] }) => Instances);
    assert.equal(running.length, 1);
    return running[0]?.InstanceId ?? "";
  }

  onHost = async (script: string): Promise<string> =>
    runInMachine(await connectDocker(), await this.instanceId(), script);

  /** `up` of the changed Berth. */
  up = (): Promise<Finished> => this.stack.up({ tree: this.#tree.path });

  /** `up` of the changed Berth, while clients ask. */
  async upUnderLoad(): Promise<Finished> {
    return this.underLoad(async () => {
      await sleep(aroundMs);
      const run = await this.up();
      await sleep(aroundMs);
      return run;
    });
  }

  /** None of the clients that ask meanwhile may notice anything, and the host stays the same one. */
  async underLoad<Result>(during: () => Promise<Result>): Promise<Result> {
    const host = await this.instanceId();
    let result: Promise<Result> | undefined;
    const answers = await askDuring(this.#url, () => (result = during()), { pauseMs: 200 });
    const asked = [...answers.values()].reduce((total, one) => total + one, 0);
    process.stderr.write(`${asked} requests to ${host}: ${JSON.stringify([...answers])}\n`);
    assert.deepEqual([...answers.keys()], [200]);
    assert.equal(await this.instanceId(), host);
    return result ?? assert.fail("nothing was done");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened[Symbol.asyncDispose]();
  }
}

export const errorOf = ({ events }: Finished): Record<string, unknown> | undefined =>
  events.find(({ event }) => event === "error");
