import type Docker from "dockerode";
import { removeContainer } from "../docker/container-removal.ts";

/** Removes what a killed supervisor left on the engine. Call this only while holding the directory's lock. */
export async function removeEarlierRun(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
): Promise<string[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const containers = await docker.listContainers({ all: true, filters: { label } });
  await Promise.all(containers.map(({ Id }) => removeContainer(docker.getContainer(Id))));
  const networks = await docker.listNetworks({ filters: { label } });
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove()));
  const { Volumes: volumes } = await docker.listVolumes({ filters: { label } });
  await Promise.all(volumes.map(({ Name }) => docker.getVolume(Name).remove()));
  return [
    ...containers.map(({ Names }) => Names[0] ?? ""),
    ...networks.map(({ Name }) => Name),
    ...volumes.map(({ Name }) => Name),
  ];
}
