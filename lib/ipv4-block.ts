import { isIPv4 } from "node:net";

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
