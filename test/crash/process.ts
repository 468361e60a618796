import { fork } from "node:child_process";
import { once } from "node:events";
import type { Done, Order } from "./runner.ts";

/** A process that runs commands; see runner.ts. */
export interface Runner extends AsyncDisposable {
  readonly ready: Promise<void>;
  /** Undefined when the process was killed in the meantime. */
  run(order: Order): Promise<Done | undefined>;
  /** Stops the process with SIGSTOP: it does nothing more, not even with data that it receives. */
  freeze(): void;
  /** Kills the process with SIGKILL and returns when it has ended. */
  kill(): Promise<void>;
}

/** `script` is what `bundleRunner` made. */
export function startRunner(script: string, environment: NodeJS.ProcessEnv): Runner {
  const child = fork(script, {
    env: environment,
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit").then(() => undefined);
  const told = <T>(): Promise<T | undefined> =>
    Promise.race([once(child, "message").then(([message]: T[]) => message), exited]);
  const listen = async () => {
    if ((await told<"ready">()) !== "ready") throw new Error("A runner ended before it was ready");
  };
  const ready = listen();
  // Callers that need the process await this. A spare process may be killed before it is ready.
  ready.catch(() => undefined);
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    ready,
    run: (order) => {
      const done = told<Done>();
      if (child.connected) child.send(order);
      return done;
    },
    freeze: () => void child.kill("SIGSTOP"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
