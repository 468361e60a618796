import type { Attack } from "./attack.ts";
import { listListeners } from "./sockets.ts";
import type { Target } from "./target.ts";

/** Where something of AWS, of an engine or of a shell would listen; those that really do are added. */
const usualPorts = [22, 53, 80, 111, 443, 2375, 2376, 4566, 5000, 8080];

/** Tries to connect to each port and prints those that take it. Where some must, a busy machine gets more time. */
const scan = (address: string, ports: readonly number[], seconds = 2) => `
import concurrent.futures, socket
def look(port):
    try:
        socket.create_connection(("${address}", port), ${seconds}).close()
        return port
    except OSError:
        return None
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    print(*[port for port in pool.map(look, [${ports.join(",")}]) if port])
`;

const askName = (address: string) => `
import socket
question = bytes.fromhex("abcd01000001000000000000") + b"\\x03sts\\x09amazonaws\\x03com\\0\\0\\1\\0\\1"
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(30)
asker.sendto(question, ("${address}", 53))
try:
    print(len(asker.recv(512)) and "answered")
except OSError:
    print("nothing answers")
`;

const metadata = (request: string) => `
import http.client
connection = http.client.HTTPConnection("169.254.169.254", 80, timeout=2)
try:
    ${request}
    print(connection.getresponse().status)
except OSError:
    print("nothing answers")
`;

/** This computer's address on the machines' network. */
async function gatewayOf({ machine }: Target): Promise<string> {
  const route = await machine("ip -4 route show default");
  const address = /via (\S+)/.exec(route)?.[1];
  if (address === undefined) throw new Error(`the machine has no way out: ${route}`);
  return address;
}

const reach = (name: string, attempt: Attack["attempt"], expected = "nothing answers"): Attack => ({
  from: "app",
  name: `reach: ${name}`,
  expected,
  attempt,
});

const portsOr = (answer: string) => (answer === "" ? "nothing answers" : `answers on ${answer}`);

async function scanGateway(target: Target): Promise<string> {
  const address = await gatewayOf(target);
  const listeners = await listListeners(target.supervisor);
  const bound = listeners.filter((one) => one.address === address).map(({ port }) => port);
  if (bound.length === 0) throw new Error(`nothing of the embedded AWS listens on ${address}`);
  return portsOr(await target.app.run(scan(address, [...usualPorts, ...bound])));
}

async function scanMachine({ app, machine }: Target): Promise<string> {
  const address = await machine('ip -4 -o addr show docker0 | awk \'{ sub("/.*", "", $4); print $4 }\'');
  return portsOr(await app.run(scan(address, usualPorts, 30)));
}

async function scanNeighbours(target: Target): Promise<string> {
  const own = await target.machine("hostname -i | cut -d' ' -f 1");
  return portsOr(
    await target.app.run(
      scan(
        own,
        usualPorts.filter((port) => port !== 80 && port !== 443),
      ),
    ),
  );
}

/** The host role's credentials, by the way that is open if the port of the metadata service is. */
async function stealCredentials(target: Target): Promise<string> {
  const address = await gatewayOf(target);
  const bound = (await listListeners(target.supervisor)).filter((one) => one.address === address);
  return target.app.run(`
import http.client
seen = "nothing answers"
for port in [${bound.map(({ port }) => port).join(",")}]:
    try:
        connection = http.client.HTTPConnection("${address}", port, timeout=2)
        connection.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        answer = connection.getresponse()
        if answer.status == 200 and answer.read():
            seen = "a token for the role's credentials"
    except (OSError, http.client.HTTPException):
        pass
print(seen)
`);
}

const token = `connection.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})`;

export const reaches: readonly Attack[] = [
  reach("the metadata service, for a token", ({ app }) => app.run(metadata(token))),
  reach("the metadata service, version 1", ({ app }) =>
    app.run(metadata('connection.request("GET", "/latest/meta-data/iam/security-credentials/")')),
  ),
  reach("the metadata service, as cloud-init", ({ app }) =>
    app.run(
      metadata('connection.request("GET", "/latest/user-data", headers={"User-Agent": "Cloud-Init/25"})'),
    ),
  ),
  reach("other link-local addresses", ({ app }) => app.run(scan("169.254.170.2", [80])).then(portsOr)),
  reach("the emulated AWS's ports", scanGateway),
  reach("the role's credentials past the rules", stealCredentials),
  // As a VPC's resolver, which containers of EC2 reach too: a name is all that it gives away.
  reach(
    "the name server, for names alone",
    async (target) => target.app.run(askName(await gatewayOf(target))),
    "answered",
  ),
  reach("AWS by its name", ({ app }) => app.run(scan("sts.amazonaws.com", [443])).then(portsOr)),
  reach("the machine's ports", scanMachine, "answers on 80 443"),
  reach("the machine's ports by its other address", scanNeighbours),
];
