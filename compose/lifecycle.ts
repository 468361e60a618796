import { once } from "node:events";
import { createServer } from "node:net";
import { parse } from "yaml";
import { z } from "zod";
import { BerthError, exitCodes } from "../lib/errors.ts";
import type { Cluster } from "./cluster.ts";
import { findTrouble, waitUntilReady } from "./health.ts";

const tailLines = 20;

/**
 * Builds what the file builds, or the services named alone. Throws `ImageNotBuilt` with the end of the build's output.
 */
export async function buildImages(cluster: Cluster, services: readonly string[] = []): Promise<void> {
  const { exitCode, lines } = await cluster.compose(["build", ...services]);
  if (exitCode === 0) return;
  throw new BerthError({
    code: "ImageNotBuilt",
    message: `docker-compose build failed with exit code ${exitCode}`,
    hint: `correct what the lines above name, then: docker-compose -f ${cluster.file.path} build`,
    detail: lines.slice(-tailLines),
  });
}

/**
 * Brings everything up and waits until it is ready. Throws an error that names the service in the way, with the tail
 * of its log.
 */
export async function bringUp(cluster: Cluster, timeoutMs: number): Promise<void> {
  const { exitCode, lines } = await cluster.compose(["up", "-d"]);
  if (exitCode !== 0) {
    throw (
      (await findTrouble(cluster)) ??
      new BerthError({
        code: "ClusterNotStarted",
        message: `docker-compose up failed with exit code ${exitCode}`,
        hint: `docker-compose -f ${cluster.file.path} up shows it happen`,
        detail: lines.slice(-tailLines),
      })
    );
  }
  await waitUntilReady(cluster, { timeoutMs });
}

/** Removes containers and networks; volumes only if asked to. Works after a Ctrl-C too. */
export async function takeDown(cluster: Cluster, { volumes }: { readonly volumes: boolean }): Promise<void> {
  const args = ["down", "--remove-orphans", "--timeout", "10", ...(volumes ? ["--volumes"] : [])];
  const { exitCode, lines } = await cluster.compose(args, AbortSignal.timeout(120_000));
  if (exitCode === 0) return;
  throw new BerthError({
    code: "LeftBehind",
    message: `docker-compose down failed with exit code ${exitCode}; project ${cluster.project} may be left`,
    hint: `docker-compose -f ${cluster.file.path} -p ${cluster.project} down${volumes ? " --volumes" : ""}`,
    detail: lines.slice(-tailLines),
    exitCode: exitCodes.leftBehind,
  });
}

const resolvedFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string().optional(),
      build: z.unknown().optional(),
      ports: z.array(z.union([z.string(), z.looseObject({})])).optional(),
    }),
  ),
});
/** The file as compose itself reads it: nothing is left to be filled in. */
export type ResolvedFile = z.infer<typeof resolvedFile>;

/** Throws `BadComposeFile` if compose can't read the file. */
export async function resolveFile(cluster: Cluster): Promise<ResolvedFile> {
  const { exitCode, stdout, lines } = await cluster.compose(["config"]);
  if (exitCode !== 0) {
    throw new BerthError({
      code: "BadComposeFile",
      message: `docker-compose can't read ${cluster.file.path}`,
      hint: "correct what it names",
      detail: lines.slice(-tailLines),
      exitCode: exitCodes.badInput,
    });
  }
  return resolvedFile.parse(parse(stdout));
}

/** One service for each image that the file builds: several that share one need it built once. */
export function listBuilds({ services }: ResolvedFile): readonly string[] {
  const builds = new Map<string, string>();
  for (const [service, { image = service, build }] of Object.entries(services)) {
    const what = JSON.stringify([image, build]);
    if (build !== undefined && !builds.has(what)) builds.set(what, service);
  }
  return [...builds.values()];
}

/** Throws `PortTaken`. Otherwise a taken port would be met only after everything else has started. */
export async function refuseTakenPorts(cluster: Cluster, { services }: ResolvedFile): Promise<void> {
  const mine = new Set((await cluster.listPublished()).map(({ hostPort }) => hostPort));
  for (const [service, { ports = [] }] of Object.entries(services)) {
    for (const { address, port } of ports.map(readPort).filter((one) => one !== undefined)) {
      if (mine.has(port) || (await isFree(address, port))) continue;
      throw new BerthError({
        code: "PortTaken",
        message: `port ${port} on ${address}, which service ${service} wants, is taken by something else`,
        hint: `free it, or choose another: HTTP_PORT=${port + 1} docker-compose up`,
        resource: service,
      });
    }
  }
}

// `docker-compose config` writes ports as text in version 1 and as a table in version 2.
function readPort(port: string | Readonly<Record<string, unknown>>) {
  const parts = typeof port === "string" ? port.split("/")[0]?.split(":") : undefined;
  const published = parts === undefined ? Reflect.get(Object(port), "published") : parts.at(-2);
  const address = parts === undefined ? Reflect.get(Object(port), "host_ip") : parts.slice(0, -2).join(":");
  const number = Number(published);
  // A range or no number at all is chosen by the engine, so it can't be taken.
  if (!Number.isInteger(number) || number === 0) return undefined;
  return { address: typeof address === "string" && address !== "" ? address : "0.0.0.0", port: number };
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const listening = once(server, "listening");
  server.listen({ host, port, exclusive: true });
  try {
    await listening;
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return false;
    // Not allowed to listen there (a low port, a foreign address): the engine will know better.
    return true;
  } finally {
    server.close();
  }
}
