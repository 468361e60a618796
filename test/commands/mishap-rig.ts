import { DescribeInstancesCommand, RebootInstancesCommand } from "@aws-sdk/client-ec2";
import type { Clients } from "../../lib/aws/clients.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { Disposables } from "../../lib/local/disposables.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { type Answer, loadDuring, lossText } from "../host/load.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { type Finished, requireExit } from "./command-line.ts";
import { openHome, Stack } from "./stack.ts";

/** An app that takes its time to start, and fails half of its answers from some time on if it is told to. Its command takes its time too. */
const slowApp = {
  "go.mod": "module example.test/app\n\ngo 1.24\n",
  "main.go": `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	pause, _ := time.ParseDuration(os.Getenv("PAUSE"))
	if len(os.Args) > 1 {
		fmt.Println("migration begun")
		time.Sleep(pause)
		fmt.Println("migration ended")
		return
	}
	time.Sleep(pause)
	tires, _ := time.ParseDuration(os.Getenv("TIRES"))
	begun := time.Now()
	var count atomic.Uint64
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if tires > 0 && time.Since(begun) > tires && count.Add(1)%2 == 0 {
			w.WriteHeader(500)
		}
		fmt.Fprint(w, os.Getenv("RELEASE"))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
`,
};

export interface Mishap {
  /** How long app or command take, as Go writes it. */
  readonly pause?: string;
  readonly hasCommand?: boolean;
  /** Whether it fails half of its answers from its fifth second on, and the host is to put the release before back then. */
  readonly isWorse?: boolean;
  /**
   * What happens while the release's replicas or its command run and aren't done: a script on the machine, or what is done from
   * outside. Nothing if absent.
   */
  readonly strike?: string | (() => Promise<unknown>);
}

export interface Shipped {
  readonly number: number;
  readonly up: Finished;
  readonly answers: readonly Answer[];
  /** From the mishap until `up` had ended. */
  readonly seconds: number;
}

/** A stack that is up on a machine that booted, and releases with a wide middle. */
export class MishapRig implements AsyncDisposable {
  readonly stack: Stack;
  readonly instance: string;
  readonly clients: Clients;
  readonly #source: string;
  readonly #url: string;
  readonly #opened: Disposables;
  #number = 1;

  private constructor(
    { stack, instance, clients }: Pick<MishapRig, "stack" | "instance" | "clients">,
    { source, url, opened }: { source: string; url: string; opened: Disposables },
  ) {
    [this.stack, this.instance, this.clients] = [stack, instance, clients];
    [this.#source, this.#url, this.#opened] = [source, url, opened];
  }

  static async open(): Promise<MishapRig> {
    await using opened = new Disposables();
    const home = opened.use(await openHome());
    const stack = new Stack(home, "hello");
    opened.use({ [Symbol.asyncDispose]: async () => void (await stack.down()) });
    const { path: source } = opened.use(await writeSourceFolder(slowApp));
    await stack.configure({ source, lines: linesOf(1, { pause: "0s" }) });
    const first = await stack.up();
    requireExit(first, 0);
    const clients = await home.clients();
    const { Reservations = [] } = await clients.ec2.send(new DescribeInstancesCommand({}));
    const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
    const instance = instances[0]?.InstanceId ?? "";
    const url = String(first.summary["url"]);
    return new MishapRig({ stack, instance, clients }, { source, url, opened: opened.move() });
  }

  run = async (script: string): Promise<string> => runInMachine(await connectDocker(), this.instance, script);

  reboot = () => this.clients.ec2.send(new RebootInstancesCommand({ InstanceIds: [this.instance] }));

  /** Ships one more release under load, has the mishap happen in its middle, and returns when `up` has ended. */
  async ship(mishap: Mishap): Promise<Shipped> {
    this.#number += 1;
    const number = this.#number;
    await this.stack.configure({ source: this.#source, lines: linesOf(number, mishap) });
    const { answers, result } = await loadDuring({ url: this.#url, pauseMs: 100 }, async () => {
      const striking = this.#strike(number, mishap);
      const shipping = this.stack.up();
      const ended = await Promise.race([striking.then(() => undefined), shipping]);
      if (ended !== undefined)
        throw new Error(
          `up ended with ${ended.exitCode} before the mishap was over:\n${ended.stdout}${ended.stderr}`,
        );
      const struckMs = performance.now();
      const up = await shipping;
      return { up, seconds: (performance.now() - struckMs) / 1000 };
    });
    return { number, answers, ...result };
  }

  /** Names and states of the app's containers. */
  containers = (): Promise<string> =>
    this.run("docker ps --all --format '{{.Names}} {{.State}}' | sort | xargs");

  /** The number of the release that the host keeps, as it has written it down. */
  serves = async (): Promise<unknown> => {
    const serving: Record<string, unknown> = JSON.parse(await this.run("cat /var/lib/berth/serving.json"));
    return serving["number"];
  };

  /** What `berth history` says: number, result and reason, newest first. */
  async history(): Promise<readonly (readonly [number: unknown, result: unknown, reason: unknown])[]> {
    const run = await this.stack.history();
    requireExit(run, 0);
    const said = run.events.find(({ event }) => event === "releases")?.["releases"];
    const rows: readonly Record<string, unknown>[] = Array.isArray(said) ? said : [];
    return rows.map(({ number, result, reason }) => [number, result, reason] as const);
  }

  /** Waits on the machine itself, which looks before a command from outside would have begun. */
  async #strike(number: number, { hasCommand = false, strike = "true" }: Mishap): Promise<void> {
    const container = hasCommand ? `release-${number}` : `app-${number}-0`;
    const state = `docker inspect --format '{{.State.Status}}' ${container} 2>/dev/null`;
    const wait = `until [ "$(${state})" = running ]; do sleep 0.1; done`;
    await this.run(typeof strike === "string" ? `${wait}\n${strike}` : wait);
    if (typeof strike === "function") await strike();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened[Symbol.asyncDispose]();
  }
}

/** The script that ends a service the hard way. */
export const kill = (unit: string): string =>
  `kill -9 $(systemctl show --property MainPID --value ${unit}.service)`;

const linesOf = (number: number, { pause = "8s", hasCommand = false, isWorse = false }: Mishap): string[] => [
  `  environment: { RELEASE: "${number}", PAUSE: "${pause}", TIRES: "${isWorse ? "5s" : "0s"}" }`,
  ...(hasCommand ? ["  releaseCommand: [migrate]"] : []),
  ...(isWorse ? ["  rollbackWhenWorse: true"] : []),
  "edge: { drainSeconds: 5 }",
];

/** One row of the table of mishaps. */
export const rowOf = (name: string, { seconds, answers }: Shipped): string =>
  `| ${[name, `${seconds.toFixed(1)} s`, answers.length, lossText(answers)].join(" | ")} |`;
