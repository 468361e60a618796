/** The network's only subnet: the first /24 of the network, or all of it when it is smaller. */
export function subnetOf(cidr: string): string {
  const [address = "", prefix = ""] = cidr.split("/");
  return `${address}/${Math.max(Number(prefix), 24)}`;
}
