import { BlockList, isIPv4 } from "node:net";

/** Whether the text is an IPv4 CIDR block as AWS requires it, with no bits set after the prefix. */
export function isBlock(text: string): boolean {
  const [address = "", prefix = "", ...more] = text.split("/");
  if (!isIPv4(address) || !/^(0|[1-9]\d?)$/.test(prefix) || Number(prefix) > 32) return false;
  if (more.length > 0) return false;
  const hostBits = 2 ** (32 - Number(prefix));
  return address.split(".").reduce((value, part) => value * 256 + Number(part), 0) % hostBits === 0;
}

/** The number of bits that the addresses of a block share. */
export const prefixOf = (block: string): number => Number(block.split("/")[1]);

/** Whether two blocks share addresses. Of two such blocks, one holds the first address of the other. */
export const overlap = (one: string, other: string): boolean =>
  holdsFirst(one, other) || holdsFirst(other, one);

function holdsFirst(block: string, other: string): boolean {
  const [address = "", prefix] = block.split("/");
  const [first = ""] = other.split("/");
  const list = new BlockList();
  list.addSubnet(address, Number(prefix));
  return list.check(first);
}
