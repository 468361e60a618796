import { prefixOf } from "../ipv4-block.ts";

/**
 * The blocks that the network's only subnet may have: the first two /24 of the network, or all of it when it is smaller.
 * The second one is for a subnet that takes the place of another, because both are there for a while.
 */
export function subnetsOf(cidr: string): string[] {
  const [address = ""] = cidr.split("/");
  const prefix = prefixOf(cidr);
  if (prefix >= 24) return [cidr];
  const [a, b, c] = address.split(".");
  return [`${address}/24`, `${a}.${b}.${Number(c) + 1}.0/24`];
}
