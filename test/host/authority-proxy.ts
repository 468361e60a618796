import { readFileSync } from "node:fs";
import { fromRoot } from "../../lib/paths.ts";
import type { MachineShell } from "../local/machine-shell.ts";

/** What stands before the authority can do: keep its decision back, or refuse orders as one that is asked too often. */
type AuthorityFault = "pending" | "limited" | "none";

/** Dispose has the machine ask its authority directly again. */
export interface AuthorityProxy extends AsyncDisposable {
  have(fault: AuthorityFault): Promise<void>;
  /** When the host asked for orders since the last call, in seconds. */
  takeOrders(): Promise<number[]>;
}

const name = "acme-v02.api.letsencrypt.org";

/** An address of the machine alone, whose port 443 leads to the proxy; and a certificate for it that the machine trusts. */
const lead = `
  gateway=$(awk '$1 == "nameserver" { print $2 }' /etc/resolv.conf)
  mkdir -p /run/authority-proxy && cd /run/authority-proxy
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=proxy \\
    -addext keyUsage=critical,digitalSignature,keyCertSign \\
    -addext 'subjectAltName=DNS:${name}' -keyout key.pem -out chain.pem 2> /dev/null
  cat chain.pem >> /etc/ssl/certs/ca-certificates.crt
  systemd-run --quiet --unit authority-proxy --working-directory /run/authority-proxy python3 -B program.py chain.pem key.pem "$gateway"
  until python3 -c 'import socket; socket.create_connection(("127.0.0.1", 14443))' 2> /dev/null; do sleep 0.1; done
  nft -f - <<END
    table ip authority-proxy {
      chain out {
        type nat hook output priority -150
        ip daddr 127.0.0.99 tcp dport 443 redirect to :14443
      }
    }
END
  echo '127.0.0.99 ${name}' >> /etc/hosts`;

/** The engine mounts the file: nothing can take its place. */
const leadBack = `
  grep -v ' ${name}$' /etc/hosts > /run/hosts
  cat /run/hosts > /etc/hosts
  nft delete table ip authority-proxy
  systemctl stop authority-proxy.service`;

/** Has a machine ask its authority by a proxy within it. */
export async function openAuthorityProxy(run: MachineShell): Promise<AuthorityProxy> {
  const program = readFileSync(fromRoot("test/host/authority-proxy.py")).toString("base64");
  await run(`mkdir -p /run/authority-proxy && echo ${program} | base64 -d > /run/authority-proxy/program.py`);
  await run(lead);
  let taken = 0;
  return {
    have: async (fault) => {
      await run(`echo ${fault} > /run/authority-fault`);
    },
    takeOrders: async () => {
      const said = await run(
        "touch /run/authority-log; awk '$2 == \"/order-plz\" { print $1 }' /run/authority-log",
      );
      const orders = said.split("\n").filter(Boolean).map(Number).slice(taken);
      taken += orders.length;
      return orders;
    },
    [Symbol.asyncDispose]: async () => {
      await run(leadBack);
    },
  };
}
