/** The one subnet of a network: its first /24, or all of it when it is smaller. */
export function subnetOf(cidr: string): string {
  const [address = "", prefix = ""] = cidr.split("/");
  return `${address}/${Math.max(Number(prefix), 24)}`;
}
