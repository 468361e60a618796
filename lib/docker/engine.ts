import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { BerthError } from "../errors.ts";
import { systemCodeOf } from "../system-errors.ts";

/**
 * The engine that the `docker` command would talk to: DOCKER_HOST, else the chosen context, else the default socket.
 * Has answered a ping when this returns. Throws `NoDockerEngine` otherwise.
 */
export async function connectDocker(): Promise<Docker> {
  const socketPath = await contextSocket();
  const named = process.env["DOCKER_HOST"] ?? socketPath ?? "the default socket";
  // Most commands need no engine, and this library takes longer to load than they take to ask AWS.
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

/** True for the answer of an engine that doesn't know the thing asked for. */
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

// dockerode knows DOCKER_HOST and the default sockets, but not the contexts that Docker Desktop, colima and rootless set.
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
    // A missing or broken file of Docker's own is Docker's to complain about; the default socket is still worth a try.
    if (error instanceof SyntaxError || systemCodeOf(error) !== undefined) return undefined;
    throw error;
  }
}
