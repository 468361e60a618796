import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { connectDocker } from "../../lib/docker/connection.ts";
import { BerthError } from "../../lib/errors.ts";
import { isSystemFailure } from "../../lib/system-errors.ts";
import { readOptionalFile } from "./optional-file.ts";

/** What the set-up needs to know about the computer that it runs on. */
export interface Computer {
  /** `ID` and `VERSION_CODENAME` of /etc/os-release, such as `debian` and `trixie`; empty where there is none. */
  readonly system: string;
  readonly codename: string;
  readonly root: boolean;
  /** The commands in `commandsOfInterest` that are on the PATH. */
  readonly commands: ReadonlySet<string>;
  readonly engine: EngineState;
  /** Why no engine answers; absent when one does. */
  readonly engineError?: BerthError | undefined;
  readonly systemd: boolean;
}

/**
 * `elsewhere`: DOCKER_HOST or a Docker context names an engine that doesn't answer. `denied`: an engine runs, but this
 * user may not use it.
 */
type EngineState = "answers" | "stopped" | "absent" | "denied" | "elsewhere";

const commandsOfInterest = ["docker", "dockerd", "docker-compose", "iptables", "mmdebstrap", "apt-get"];

export async function describeComputer(): Promise<Computer> {
  const [release, commands, engineError, init] = await Promise.all([
    readOptionalFile("/etc/os-release"),
    findCommands(commandsOfInterest),
    engineProblem(),
    readOptionalFile("/proc/1/comm"),
  ]);
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(release)?.[1] ?? "";
  return {
    system: field("ID"),
    codename: field("VERSION_CODENAME"),
    root: process.getuid?.() === 0,
    commands,
    engine: engineState(engineError, commands),
    engineError,
    systemd: init.trim() === "systemd",
  };
}

/** Whether the set-up may install packages by itself: only as root on Debian and Ubuntu. */
export function canInstall(computer: Pick<Computer, "system" | "root">): boolean {
  return computer.root && (computer.system === "debian" || computer.system === "ubuntu");
}

/** Returns the commands that are on the PATH. */
export async function findCommands(names: readonly string[]): Promise<ReadonlySet<string>> {
  // On Debian, root's PATH may lack the sbin folders, which contain dockerd and iptables.
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const found = await Promise.all(
    names.map(async (name) => {
      const hits = await Promise.all(folders.map((folder) => isExecutable(join(folder, name))));
      return hits.includes(true) ? [name] : [];
    }),
  );
  return new Set(found.flat());
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function engineProblem(): Promise<BerthError | undefined> {
  try {
    await connectDocker();
    return undefined;
  } catch (error) {
    if (error instanceof BerthError) return error;
    throw error;
  }
}

function engineState(problem: BerthError | undefined, commands: ReadonlySet<string>): EngineState {
  if (problem === undefined) return "answers";
  if (process.env["DOCKER_HOST"] || process.env["DOCKER_CONTEXT"]) return "elsewhere";
  if (isSystemFailure(problem.cause, "not permitted")) return "denied";
  return commands.has("dockerd") ? "stopped" : "absent";
}
