import { readFileSync } from "node:fs";
import { connectDocker } from "../../lib/docker/connection.ts";
import type { Content } from "../../lib/release/schema.ts";
import { fromRoot } from "../../lib/paths.ts";
import { until } from "../local/temporary-aws.ts";
import { openToolbox, type Toolbox } from "./toolbox.ts";

/** A host's edge and switch, in a toolbox, with replicas of an app that behaves as a test requests. */
export interface EdgeRig extends AsyncDisposable {
  readonly toolbox: Toolbox;
  readonly url: string;
  /** Directly to the replica on port 8080, without the edge. */
  readonly appUrl: string;
  /** Starts a replica on each port without one, and has switch and edge serve these ports by these settings. */
  serve(ports: readonly number[], settings?: EdgeSettings): Promise<void>;
  /** The requests that reached the replicas since the last call: "GET /path", one for each try. */
  takeSeen(): Promise<string[]>;
  /** The same once there are so many: a replica may be asked in vain before it notes that. */
  awaitSeen(count: number): Promise<string[]>;
  /** The edge's log. Throws unless each line is UTF-8 and JSON. The last requests may still be missing: see `findLine`. */
  readLog(): Promise<LogLine[]>;
  /** The line that fits, once it is there: nginx logs a request when its client already has the answer. */
  findLine(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** The lines from this one on, once there are so many. */
  readLines(from: number, count: number): Promise<LogLine[]>;
}

/** Fields of `edge` in a release. What is missing has its default. */
interface EdgeSettings extends Partial<Content["edge"]> {
  /** The stack's domains, as https.py's edge() adds them. */
  readonly https?: {
    readonly address: string;
    readonly names: readonly string[];
    readonly hstsSeconds: number;
  };
}

interface LogLine {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly client: string;
  readonly failure: string;
  readonly replicas: string;
  readonly tries: string;
}

// Does what systemd and setup.sh do on a host: folders, the edge's user, both servers.
const startEdge = `
  mkdir -p /var/lib/berth/applied /var/log/berth /run/berth-switch
  cd /var/lib/berth
  printf 'upstream %s { server 127.0.0.1:9; }\\n' fresh kept > upstreams.conf
  echo 'worker_shutdown_timeout 30s;' > drain.conf
  touch websockets.conf
  echo '{}' > edge.json
  cat > /tmp/configure-edge.sh <<'END'
    python3 -B /usr/local/lib/berth/edge_settings.py /usr/local/lib/berth/edge.conf /var/lib/berth/edge.json \\
      edge_user=www-data 'clear_headers=more_clear_input_headers X-Forwarded-* X-Original-*;' > /etc/nginx/nginx.conf
END
  sh /tmp/configure-edge.sh
  nginx -c /usr/local/lib/berth/switch.conf > /tmp/switch.log 2>&1 &
  nginx 2> /tmp/edge.log`;

// The converger's own code, without systemd, and without the time that clients get to leave.
const pointAt = `
import json, pathlib, subprocess, sys, time
sys.path.insert(0, "/usr/local/lib/berth")
import edge, edge_settings

def workers():
    master = pathlib.Path("/run/nginx.pid").read_text().strip()
    found = subprocess.run(["pgrep", "-f", "-P", master, "worker process$"], capture_output=True, text=True)
    return set(found.stdout.split())

def call(*command, timeout_s=0):
    if command[-1] == "berth-switch.service":
        subprocess.run(["nginx", "-c", "/usr/local/lib/berth/switch.conf", "-s", "reload"], check=True)
        return
    before = workers()
    subprocess.run("sh /tmp/configure-edge.sh && nginx -t -q && nginx -s reload", shell=True, check=True)
    while before & workers():
        time.sleep(0.05)
    subprocess.run(["cp", "/var/lib/berth/edge.json", "/var/lib/berth/applied/edge.json"], check=True)

edge.call = call
# A worker on a busy machine hears late of a reload. A host tries again; here there is one try.
edge.SWITCH_S = edge.DRAIN_MORE_S = 120
settings = edge_settings.settings_of({"edge": json.loads(sys.argv[1])})
one = edge.Edge()
one.configure(settings)
one.point_at([int(port) for port in sys.argv[2:]], settings)
`;

export async function openEdgeRig(program = "failing-app.py"): Promise<EdgeRig> {
  const toolbox = await openToolbox(await connectDocker());
  try {
    const app = readFileSync(fromRoot(`test/host/${program}`), "utf8");
    await toolbox.put([
      { path: "/tmp/app.py", text: app, executable: false },
      { path: "/tmp/point-at.py", text: pointAt, executable: false },
    ]);
    await toolbox.run(startEdge);
  } catch (error) {
    await toolbox[Symbol.asyncDispose]();
    throw error;
  }
  const readLog = async () => parseLog(await toolbox.run("base64 /var/log/berth/edge.log"));
  let taken = 0;
  // Nothing is moved or cut off: a replica may be about to write.
  const takeSeen = async () => {
    const seen = await toolbox.run(`touch /tmp/seen && tail -n +${taken + 1} /tmp/seen`);
    const lines = seen === "" ? [] : seen.split("\n");
    taken += lines.length;
    return lines;
  };
  return {
    toolbox,
    url: toolbox.url,
    appUrl: toolbox.appUrl,
    serve: async (ports, settings = {}) => {
      for (const port of ports) await toolbox.run(startReplica(port));
      await toolbox.run(`python3 -B /tmp/point-at.py '${JSON.stringify(settings)}' ${ports.join(" ")}`);
    },
    takeSeen,
    awaitSeen: async (count) => {
      const seen: string[] = [];
      await until(async () => seen.push(...(await takeSeen())) >= count);
      return seen;
    },
    readLog,
    findLine: async (fits) => {
      let line: LogLine | undefined;
      await until(async () => (line = (await readLog()).find(fits)) !== undefined);
      return line ?? Promise.reject(new Error("The edge logged no such line"));
    },
    readLines: async (from, count) => {
      let lines: LogLine[] = [];
      await until(async () => (lines = (await readLog()).slice(from)).length >= count);
      return lines;
    },
    [Symbol.asyncDispose]: () => toolbox[Symbol.asyncDispose](),
  };
}

/** Starts a replica and returns when it listens. */
function startReplica(port: number): string {
  const listens = `python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${port}))' 2> /dev/null`;
  return `${listens} || python3 -B /tmp/app.py ${port} > /dev/null 2>&1 & until ${listens}; do sleep 0.1; done`;
}

function parseLog(base64: string): LogLine[] {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(base64, "base64"));
  // What is behind the last line's end is being written.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line): LogLine => JSON.parse(line));
}
