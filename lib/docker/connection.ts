import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { BerthError } from "../errors.ts";
import { systemCodeOf } from "../system-errors.ts";

/**
 * Connects to the engine that the `docker` command would use: DOCKER_HOST, else the current context, else the default
 * socket. The engine has answered a ping when this returns. Throws `NoDockerEngine` otherwise.
 */
export async function connectDocker(): Promise<Docker> {
  const socketPath = await contextSocket();
  const named = process.env["DOCKER_HOST"] ?? socketPath ?? "the default socket";
  // Loaded only when needed: most commands need no engine, and loading this library takes longer than their calls to
  // AWS.
  const { default: Engine } = await import("dockerode");
  try {
    const docker = new Engine(socketPath === undefined ? {} : { socketPath });
    await docker.ping();
    return docker;
  } catch (error) {
    throw new BerthError({
      code: "NoDockerEngine",
      message: `no Docker engine answers at ${named}`,
      hint:
        hints[systemCodeOf(error) ?? ""] ?? "check that `docker info` works for this user, then try again",
      detail: [error instanceof Error ? error.message : String(error)],
      cause: error,
    });
  }
}

/** True when the engine answered that what was requested doesn't exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 404;
}

const hints: Readonly<Record<string, string>> = {
  ENOENT:
    "install and start Docker (Debian, Ubuntu: `apt-get install docker.io`), or point DOCKER_HOST at an engine",
  ECONNREFUSED: "start the engine (`systemctl start docker`, or Docker Desktop), or correct DOCKER_HOST",
  EACCES: "add yourself to the group (`sudo usermod -aG docker $USER`) and log in again, or run as root",
  ENOTFOUND: "correct the host name in DOCKER_HOST",
};

// dockerode supports DOCKER_HOST and the default sockets, but not the contexts that Docker Desktop, colima and rootless
// Docker set.
async function contextSocket(): Promise<string | undefined> {
  if (process.env["DOCKER_HOST"]) return undefined;
  const folder = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
  const name = process.env["DOCKER_CONTEXT"] ?? (await readJson(join(folder, "config.json")))?.currentContext;
  if (!name || name === "default") return undefined;
  const id = createHash("sha256").update(name).digest("hex");
  const context = await readJson(join(folder, "contexts", "meta", id, "meta.json"));
  return /^(?:unix|npipe):\/\/(.+)$/.exec(context?.Endpoints?.docker?.Host ?? "")?.[1];
}

interface DockerFile {
  readonly currentContext?: string;
  readonly Endpoints?: { readonly docker?: { readonly Host?: string } };
}

async function readJson(path: string): Promise<DockerFile | undefined> {
  try {
    const file: DockerFile = JSON.parse(await readFile(path, "utf8"));
    return file;
  } catch (error) {
    // Docker itself reports a missing or broken configuration file of its own. The default socket is still worth a try.
    if (error instanceof SyntaxError || systemCodeOf(error) !== undefined) return undefined;
    throw error;
  }
}
