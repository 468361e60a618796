import type Docker from "dockerode";
import { isNotFound } from "../lib/docker/connection.ts";
import type { Cluster } from "./cluster.ts";

/**
 * True if others may expect a service to listen for TCP connections: the file declares such a port, or the image does
 * and runs its own program. Workers often run another program in the image of a server, and listen on nothing.
 */
export async function isServer(cluster: Cluster, service: string): Promise<boolean> {
  const { published = [], exposed = [] } = cluster.file.services.get(service) ?? {};
  if ([...published, ...exposed].some(({ protocol }) => protocol === "tcp")) return true;
  const [container] = await cluster.listContainers(service);
  if (container === undefined) return false;
  const image = await readImage(cluster.docker, container.Image);
  const declared = Object.keys(image?.ExposedPorts ?? {}).some((port) => port.endsWith("/tcp"));
  return declared && image !== undefined && runsProgramOf(container.Config, image);
}

interface Start {
  readonly Entrypoint?: readonly string[] | string | null | undefined;
  readonly Cmd?: readonly string[] | null | undefined;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null | undefined;
}

async function readImage(docker: Docker, image: string): Promise<Start | undefined> {
  try {
    return (await docker.getImage(image).inspect()).Config;
  } catch (error) {
    // An image can be removed while its containers run.
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** True if the entrypoint and the command's first word are the image's. A command may also be only options: `-c …`. */
function runsProgramOf(container: Start, image: Start): boolean {
  const [first = ""] = container.Cmd ?? [];
  const [own = ""] = image.Cmd ?? [];
  const sameEntry = JSON.stringify(container.Entrypoint ?? []) === JSON.stringify(image.Entrypoint ?? []);
  return sameEntry && (first === own || first.startsWith("-"));
}
