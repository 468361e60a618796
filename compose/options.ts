import { parseArgs } from "node:util";
import { ownFile } from "./compose-file.ts";

export interface SmokeOptions {
  readonly file: string;
  /** Use the running cluster instead of one of the test's own. */
  readonly running: boolean;
  readonly project: string | undefined;
  /** Run disruptive checks on a running cluster too. */
  readonly faults: boolean;
  /** Keep the test's own cluster afterwards, for inspection. */
  readonly keep: boolean;
  readonly json: boolean;
  readonly timeoutMs: number;
}

export const helpText = `smoke: proves that the parts of the cluster communicate

Usage: npm run smoke -- [options]

  --file FILE       another compose file (compose/docker-compose.yml)
  --running         check the cluster that runs; without it, one of its own is started and removed
  --project NAME    the running one's name, if it isn't the file's own
  --faults          with --running: restart, kill and move containers as well; none is made anew or removed
  --keep            leave its own cluster running, and say how to remove it
  --timeout SECONDS how long services may take to become ready, at first and after each fault (90)
  --json            one JSON event a line on stdout
  --help            this text

A cluster of its own is started from a copy of the file in which every name, port, path and image tag is the test's own:
volumes start empty, folders that are mounted writable are copied, and what can't be kept apart is refused before anything
starts. What is missing of the engine, Compose and the base images is installed. On a running one, the page is viewed about
520 times, and nothing is stopped unless --faults is given. A file without x-smoke gets the checks that make sense for any:
health, who reaches whom, published ports.

Exit codes: 0 all passed, 1 something failed, 3 bad arguments or file, 6 something was left behind, 130 interrupted.
`;

const longestSeconds = 86_400;

/** Throws a TypeError that says what is wrong with the arguments. */
export function parseOptions(args: readonly string[]): SmokeOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: { type: "string" },
      running: { type: "boolean" },
      project: { type: "string" },
      faults: { type: "boolean" },
      keep: { type: "boolean" },
      timeout: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const seconds = Number(values.timeout ?? "90");
  if (!(seconds > 0 && seconds <= longestSeconds))
    throw new TypeError(`--timeout takes seconds, at most a day of them, not "${values.timeout ?? ""}"`);
  const running = values.running === true;
  if (running && values.keep === true)
    throw new TypeError("--keep is for a cluster of its own; a running one stays");
  if (!running && (values.faults === true || values.project !== undefined)) {
    throw new TypeError("--faults and --project go with --running");
  }
  return {
    file: values.file ?? ownFile,
    running,
    project: values.project,
    faults: !running || values.faults === true,
    keep: values.keep === true,
    json: values.json === true,
    timeoutMs: Math.ceil(seconds * 1000),
  };
}
