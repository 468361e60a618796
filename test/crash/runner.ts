import { extname } from "node:path";
import { hurry } from "./fast-clock.ts";

/** A command for a runner, which takes one at a time. */
export interface Order {
  readonly command: keyof typeof scripts;
  readonly args: readonly string[];
  /** Overrides the environment that the process was started with. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Done {
  readonly exitCode: number;
  /** Everything that the command wrote to stdout. */
  readonly output: string;
}

const scripts = {
  up: "../../provision/up",
  plan: "../../provision/plan",
  status: "../../provision/status",
  rollback: "../../provision/rollback",
  snapshot: "../../provision/snapshot",
  state: "../../state/repair/commands",
  down: "../../teardown/down",
};

// A process that loads everything once and then runs one command after the other, as `npm run` would. It can be killed
// like any other process, and saves the seconds of each start.
hurry(Number(process.env["CRASH_SPEED"] ?? "1"));
// The commands are compiled if this file is.
const suffix = extname(process.argv[1] ?? "");
const tell = (message: Done | "ready") => process.send?.(message);
const ownEnvironment = { ...process.env };
let runs = 0;
// A user would see warnings, so they are collected.
const warnings: string[] = [];
process.on("warning", ({ message }) => warnings.push(message));

async function run({ command, args, environment }: Order): Promise<Done> {
  let output = "";
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: string | Uint8Array) => {
    output += String(text);
    return true;
  };
  process.argv.splice(2, Infinity, ...args);
  process.env = { ...ownEnvironment, ...environment };
  process.exitCode = undefined;
  runs += 1;
  try {
    // Loads the script again: a different query makes a different module.
    await import(`${scripts[command]}${suffix}?run=${runs}`);
  } finally {
    process.stdout.write = write;
  }
  const warned = warnings.splice(0);
  return { exitCode: warned.length > 0 ? 1 : exitCode(), output: [output, ...warned].join("\n") };
}

const exitCode = (): number => Number(process.exitCode ?? 0);

process.on("message", (order: Order) => {
  run(order).then(tell, (error: unknown) => {
    tell({ exitCode: 1, output: String(error instanceof Error ? error.stack : error) });
  });
});
// Everything that the commands load, without the commands themselves.
await Promise.all([
  import("../../lib/command/command.ts"),
  import("../../lib/deploy/converging.ts"),
  import("../../lib/deploy/outputs.ts"),
  import("../../lib/docker/push.ts"),
]);
tell("ready");
