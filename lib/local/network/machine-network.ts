import type Docker from "dockerode";

/** The Docker network of one supervisor's machines. Machines can't reach each other over it. */
export interface MachineNetwork extends AsyncDisposable {
  readonly name: string;
  /** The network's bridge on this computer. */
  readonly bridge: string;
  /** This computer's address on the network. The machines see the services that listen there as AWS. */
  readonly gateway: string;
}

export async function createMachineNetwork(
  docker: Docker,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<MachineNetwork> {
  const network = await docker.createNetwork({
    Name: name,
    Driver: "bridge",
    CheckDuplicate: true,
    Labels: { ...labels },
    Options: { "com.docker.network.bridge.enable_icc": "false" },
  });
  const { IPAM } = await network.inspect();
  const gateway = IPAM?.Config?.[0]?.["Gateway"];
  if (gateway === undefined) throw new Error(`The engine gave the network ${name} no gateway`);
  return {
    name,
    bridge: `br-${network.id.slice(0, 12)}`,
    gateway,
    [Symbol.asyncDispose]: () => network.remove(),
  };
}
