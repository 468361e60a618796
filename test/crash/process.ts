import { fork } from "node:child_process";
import { once } from "node:events";
import type { Done, Order } from "./runner.ts";

/** A process that runs commands; see runner.ts. */
export interface Runner extends AsyncDisposable {
  readonly ready: Promise<void>;
  /** Undefined when the process was killed meanwhile. */
  run(order: Order): Promise<Done | undefined>;
  /** By SIGSTOP: does nothing more, not even with what it is sent. */
  freeze(): void;
  /** By SIGKILL. Returns when it is gone. */
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
  // Whoever needs it awaits it; a spare one that is never needed may be killed before.
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
