import type Docker from "dockerode";
import { BerthError } from "../../errors.ts";
import { startAttachedContainer } from "../../docker/attached-container.ts";

export interface NetworkGuardOptions {
  readonly docker: Docker;
  /** The machines' image, because it contains nftables. */
  readonly image: string;
  /** Name of the container, and of the nftables table. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The network's bridge on this computer. */
  readonly bridge: string;
  /** This computer's address on the network. */
  readonly gateway: string;
  /** The user of the certificate authority, which machines can make connect to whatever they name. */
  readonly authorityUser: number;
  readonly ports: { readonly metadata: number; readonly tls: number; readonly names: number };
}

/**
 * Lets machines reach only three ports of this computer, at any of its addresses, whatever root in a machine does to
 * the machine's own packet filter. The rules are removed on dispose, and when this process ends.
 *
 * @throws BerthError `NoNetworkGuard`
 */
export async function startNetworkGuard(options: NetworkGuardOptions): Promise<AsyncDisposable> {
  const { docker, image, name, labels } = options;
  const said: string[] = [];
  const guard = await startAttachedContainer(docker, {
    image,
    name,
    labels,
    command: ["sh", "-ec", script, "guard", guardRules(options), name],
    capabilities: ["NET_ADMIN"],
    takesBack: true,
    onComplaint: (text) => said.push(text),
  });
  if ((await guard.readLine()) === undefined) throw refused(said);
  return guard;
}

function refused(said: readonly string[]): BerthError {
  return new BerthError({
    code: "NoNetworkGuard",
    message: "the machines' network can't be kept from the rest of this computer: nft was refused",
    hint: "it takes a kernel with nftables (CONFIG_NF_TABLES, CONFIG_NFT_FIB_INET), from Linux 5.2 on",
    detail: said.join("").trim().split("\n"),
  });
}

const script = `
nft "$1"
echo standing
cat > /dev/null
nft delete table inet "$2"
`;

/**
 * The rules come before any that redirect packets, so they also cover a port that an engine or a proxy passes on.
 * Packets to other destinations pass. Answers of the two services that stand for AWS get a hop limit of 1, as those of
 * EC2's metadata service: they reach a machine, but no container in it. The certificate authority reaches port 80 of
 * Elastic IPs, itself and whoever has connected to it, wherever a machine's names and redirects lead.
 */
function guardRules({ name, bridge, gateway, authorityUser, ports }: NetworkGuardOptions): string {
  return `
table inet ${name}
delete table inet ${name}
table inet ${name} {
  chain authority {
    ct state established,related accept
    ip daddr 127.0.0.0/8 ip daddr != { 127.0.0.0/24, 127.0.1.1 } tcp dport 80 accept
    drop
  }
  chain arrive {
    type filter hook prerouting priority mangle; policy accept;
    iifname != "${bridge}" accept
    meta nfproto ipv6 drop
    fib daddr type unicast accept
    ct state established,related accept
    ip daddr ${gateway} tcp dport { ${ports.metadata}, ${ports.tls} } accept
    ip daddr ${gateway} udp dport ${ports.names} accept
    drop
  }
  chain answer {
    type filter hook output priority mangle; policy accept;
    meta skuid ${authorityUser} jump authority
    oifname "${bridge}" ip saddr ${gateway} tcp sport { ${ports.metadata}, ${ports.tls} } ip ttl set 1
  }
}`;
}
