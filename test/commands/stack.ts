import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clients, createClients } from "../../lib/aws/clients.ts";
import { endLocalAws, type LocalAws } from "../../lib/local/local-aws.ts";
import { isAlive, readPid } from "../local/temporary-aws.ts";
import { type CommandLineOptions, type Finished, runScript } from "./command-line.ts";

export const region = "eu-central-1";

/** A separate home folder of Berth with its own embedded AWS, as on a fresh computer. Removed on dispose. */
export interface Home extends AsyncDisposable {
  readonly directory: string;
  /** The embedded AWS's process id, or undefined when it has ended. */
  supervisor(): Promise<number | undefined>;
  /** Clients of the embedded AWS, as a second route beside the commands under test. */
  clients(): Promise<Clients>;
}

export async function openHome(): Promise<Home> {
  const directory = await mkdtemp(join(tmpdir(), "berth-home-"));
  const local = join(directory, "local");
  await mkdir(local);
  const supervisor = async () => {
    const pid = await readPid(local).catch(() => undefined);
    return pid !== undefined && isAlive(pid) ? pid : undefined;
  };
  return {
    directory,
    supervisor,
    clients: async () => {
      // Opening it as a command does would make this process one of its users and keep it running.
      const file: LocalAws = JSON.parse(await readFile(join(local, "supervisor.json"), "utf8"));
      const { endpoints, credentials } = file;
      return createClients({ region, endpoints, credentials, maxAttempts: 2 });
    },
    [Symbol.asyncDispose]: async () => {
      await endLocalAws({ directory: local });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface StackSettings {
  readonly source: string;
  /** Off if absent: a client must trust the authority of the embedded AWS first. */
  readonly isSecure?: boolean;
  readonly lines?: readonly string[];
}

interface RunOptions extends CommandLineOptions {
  /** Further arguments. */
  readonly words?: readonly string[];
}

/** One stack in a home: its configuration, and its commands, run as a user runs them. */
export class Stack {
  readonly #home: Home;
  readonly name: string;

  constructor(home: Home, name: string) {
    this.#home = home;
    this.name = name;
  }

  async configure({ source, isSecure = false, lines = [] }: StackSettings): Promise<void> {
    const head = [`stack: ${this.name}`, `region: ${region}`, ...(isSecure ? [] : ["https: off"])];
    const text = [...head, "app:", `  source: ${source}`, ...lines, ""];
    await writeFile(this.#file, text.join("\n"));
  }

  up = (options?: RunOptions): Promise<Finished> => this.#run("provision/up.ts", options);
  plan = (): Promise<Finished> => this.#run("provision/plan.ts");
  status = (...words: string[]): Promise<Finished> => this.#run("provision/status.ts", { words });
  logs = (words: readonly string[]): Promise<Finished> => this.#run("provision/logs.ts", { words });
  rollback = (): Promise<Finished> => this.#run("provision/rollback.ts");
  history = (): Promise<Finished> => this.#run("provision/history.ts");
  snapshot = (): Promise<Finished> => this.#run("provision/snapshot.ts");
  down = (options?: RunOptions): Promise<Finished> => this.#run("teardown/down.ts", options);

  get #file(): string {
    return join(this.#home.directory, `${this.name}.yaml`);
  }

  #run(script: string, options: RunOptions = {}): Promise<Finished> {
    const env = { BERTH_HOME: this.#home.directory, ...options.env };
    return runScript(
      script,
      ["--config", this.#file, "--local", "--yes", "--json", ...(options.words ?? [])],
      { ...options, env },
    );
  }
}

/** Sends the requests one after another and counts each answer. */
export async function countAnswers(url: string, requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let request = 0; request < requests; request += 1) {
    const response = await fetch(url);
    await response.arrayBuffer();
    counts[response.status] = (counts[response.status] ?? 0) + 1;
  }
  return counts;
}
