import type Docker from "dockerode";
import { z } from "zod";
import { ensureBuilt } from "../lib/docker/build.ts";
import { openSource } from "../lib/docker/source.ts";
import { fromRoot } from "../lib/paths.ts";
import { runInMachine } from "../test/local/machine-shell.ts";

/** How requests reach the edge. */
export interface Way {
  readonly scheme: "http" | "https";
  /** Each client keeps its connection, or opens a new one for each request. */
  readonly connections: "kept" | "new";
}

const told = z.object({
  requests: z.int(),
  microseconds: z.int(),
  /** Microseconds from the request to its answer. What comes before, as a handshake, isn't in it. */
  p50: z.int(),
  p99: z.int(),
  failed: z.int(),
});

export type Load = z.infer<typeof told>;

/** wrk in the network of a machine. */
export interface LoadGenerator extends AsyncDisposable {
  /** Asks for a page as fast as `clients` clients at once get their answers. */
  send(
    way: Way,
    options: { readonly host: string; readonly clients: number; readonly seconds: number },
  ): Promise<Load>;
}

export async function startLoadGenerator(
  docker: Docker,
  machine: string,
  signal: AbortSignal,
): Promise<LoadGenerator> {
  const source = await openSource({ source: fromRoot("bench/load-generator") });
  const { localTag: Image } = await ensureBuilt({ docker, source, signal });
  const HostConfig = { Init: true, NetworkMode: `container:${machine}` };
  const container = await docker.createContainer({ Image, HostConfig });
  await container.start();
  return {
    send: async ({ scheme, connections }, { host, clients, seconds }) => {
      // The image knows no names of ports.
      const url = `${scheme}://127.0.0.1:${scheme === "http" ? 80 : 443}/`;
      const wrk = `wrk --threads 1 --connections ${clients} --duration ${seconds}s --script /ask.lua`;
      const said = await runInMachine(docker, container.id, `${wrk} ${url} -- ${host} ${connections}`);
      return told.parse(JSON.parse(said.split("\n").at(-1) ?? ""));
    },
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true });
    },
  };
}
