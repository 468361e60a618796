import type Docker from "dockerode";

/** The names of everything that the engine still has of a Compose project. */
export async function listLeftovers(docker: Docker, project: string): Promise<readonly string[]> {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names }) => `container ${Names.join()}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}
