import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import { packAgent } from "../../lib/host/bundle.ts";
import { userData } from "../../lib/host/user-data.ts";
import { readTar } from "../host/tar-reading.ts";
import type { Attack } from "./attack.ts";
import { runPython } from "./host-role.ts";
import type { Target } from "./target.ts";

const attack = (
  from: Attack["from"],
  name: string,
  expected: string,
  attempt: Attack["attempt"],
): Attack => ({
  from,
  name,
  expected,
  attempt,
});

/** A shell command as the user that the edge runs as: what a visitor has who took over nginx. */
const asEdge =
  (command: string) =>
  ({ machine }: Target) =>
    machine(
      `setpriv --reuid www-data --regid www-data --clear-groups --no-new-privs sh -c '${command}' 2>/dev/null && echo done || echo refused`,
    );

const edgeTries: Record<string, string> = {
  "change what the converger runs": "echo >> /usr/local/lib/berth/converge.py",
  "add to what the converger runs": "touch /usr/local/lib/berth/json.py",
  "change where requests go": "echo >> /var/lib/berth/upstreams.conf",
  "change what is served": "echo >> /var/lib/berth/serving.json",
  "change its own settings": "echo >> /etc/nginx/nginx.conf",
  "add a unit": "touch /etc/systemd/system/x.service",
  "read the registry's login": "cat /root/.docker/config.json",
  "reach the engine": "test -w /run/docker.sock",
  "read the user data": "cat /var/lib/cloud/instance/user-data.txt",
  "read the converger's memory": "cat /proc/$(pgrep -f converge.py | head -n 1)/environ",
};

/** Files of Berth's that somebody other than root could change, and so run code as root. */
const writable = `
find /usr/local/lib/berth /etc/berth /var/lib/berth /etc/systemd/system /etc/nginx /etc/docker \\
  \\( -perm /022 -o ! -user root \\) ! -type l 2>/dev/null | tr '\\n' ' '`;

/** The user that a replica runs as, for an image that asks for this one. */
const userOf = (asked: string) => (target: Target) =>
  runPython(
    target.machine,
    `
import sys
sys.path.insert(0, "/usr/local/lib/berth")
import users
print(users.choose({"image": "x"}, ${JSON.stringify(asked)}))
`,
  );

/**
 * An image whose list of users gives another name the id of root, started as the converger starts a replica. The
 * converger itself has to wait: it removes what isn't its release's.
 */
const runAsNamedRoot = ({ machine }: Target) =>
  machine(`
    image=$(docker inspect --format '{{.Config.Image}}' app-1-0)
    printf 'FROM %s\\nUSER 0\\nRUN echo toor:x:0:0::/:/bin/sh >> /etc/passwd\\nUSER toor\\n' "$image" | docker build --quiet --tag toor - > /dev/null
    converger=$(systemctl show --property MainPID --value berth.service)
    trap 'kill -CONT "$converger"' EXIT
    kill -STOP "$converger"
    cd /usr/local/lib/berth
    PYTHONPATH=/usr/local/lib/berth-launcher python3 -B -c '
import replicas
replicas.start({"number": 99, "replicas": 1, "memoryMib": 64, "port": 80, "environment": {"SECRET": "x"}, "image": "toor"}, 0)
' > /dev/null
    docker inspect --format '{{.Config.User}}' app-99-0
    docker rm --force app-99-0 > /dev/null`);

const settings = { stack: "hello", region: "eu-central-1", bucket: "berth-hello", account: "123456789012" };

/** The user data with one setting of the attacker's: nothing but that setting may be other than it is without. */
async function breakOut(text: string): Promise<string> {
  const honest: unknown = parse(userData(settings));
  try {
    const hostile: unknown = parse(userData({ ...settings, bucket: text }));
    const restored = JSON.stringify(hostile).replaceAll(
      JSON.stringify(JSON.stringify(text)).slice(1, -1),
      '\\"berth-hello\\"',
    );
    return restored === JSON.stringify(honest) ? "a setting and no more" : "another user data";
  } catch (error) {
    return `refused: ${error instanceof Error ? error.name : String(error)}`;
  }
}

/** What the launcher's archive or the agent's bundle would write outside of their own places, or through a link. */
async function leaveBundle(): Promise<string> {
  const config: { write_files: { path: string; content: string }[] } = parse(userData(settings));
  const packed = config.write_files.find(({ path }) => path.endsWith("launcher.tar"))?.content ?? "";
  const archives = [Buffer.from(packed, "base64"), packAgent().content];
  const [launcher = [], agent = []] = archives.map((one) => readTar(gunzipSync(one)));
  const files = [...launcher, ...agent];
  const own =
    /^(?:usr\/local\/lib\/berth(?:-launcher)?|etc\/docker|etc\/systemd\/(?:system|journald\.conf\.d)|etc\/sysctl\.d|etc\/apt\/apt\.conf\.d)\/[\w.-]+(?:\/[\w.-]+)?$/;
  const strange = files.filter(
    ({ path, mode }) => !own.test(path) || path.includes("..") || (mode & 0o6022) !== 0,
  );
  return launcher.length > 0 && agent.length > 0 && strange.length === 0
    ? "only its own places"
    : strange.map(({ path }) => path).join(" ");
}

const quotes: Record<string, string> = {
  "a quote": "a'\nruncmd: [id]\nx: '",
  "a line end": "a\nruncmd:\n- id",
  "a YAML tag": "!!python/object x",
  "an escape code": "\u001B[2J",
};

export const hostFiles: readonly Attack[] = [
  ...Object.entries(edgeTries).map(([name, command]) =>
    attack("visitor", `as the edge: ${name}`, "refused", asEdge(command)),
  ),
  attack("visitor", "as the edge: files that others may write", "", ({ machine }) => machine(writable)),
  ...["root", "0", "0:0", "root:root", "00", "0000:1", ":0", "", "+0", "-0"].map((asked) =>
    attack("app", `user of the image: "${asked}"`, "65532:65532", userOf(asked)),
  ),
  {
    from: "app",
    name: "user of the image: another name of root's",
    expected: "65532:65532",
    attempt: runAsNamedRoot,
    alone: true,
  },
  ...Object.entries(quotes).map(([name, text]) =>
    attack("input", `bundle: ${name} in a setting`, "a setting and no more", () => breakOut(text)),
  ),
  attack("input", "bundle: files outside of its places", "only its own places", leaveBundle),
];
