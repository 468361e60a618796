import { readFileSync } from "node:fs";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { openToolbox, type Toolbox } from "./toolbox.ts";

/** A host's edge and switch, in a toolbox, with replicas of an app that behaves as a test requests. */
export interface EdgeRig extends AsyncDisposable {
  readonly toolbox: Toolbox;
  readonly url: string;
  /** Directly to the replica on port 8080, without the edge. */
  readonly appUrl: string;
  /** Starts a replica on each port without one, and points the switch at these ports. */
  serve(ports: readonly number[]): Promise<void>;
  /** The requests that reached the replicas since the last call: "GET /path", one for each try. */
  takeSeen(): Promise<string[]>;
  /** The edge's log. Throws unless each line is UTF-8 and JSON. */
  readLog(): Promise<LogLine[]>;
}

interface LogLine {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly replicas: string;
  readonly tries: string;
}

// Does what systemd and setup.sh do on a host: folders, the edge's user, both servers.
const startEdge = `
  mkdir -p /var/lib/berth /var/log/berth /run/berth-switch
  printf 'upstream %s { server 127.0.0.1:9; }\\n' fresh kept > /var/lib/berth/upstreams.conf
  sed -e s/@edge_user@/www-data/ -e 's/@clear_headers@/more_clear_input_headers X-Forwarded-* X-Original-*;/' /usr/local/lib/berth/edge.conf > /etc/nginx/nginx.conf
  nginx -c /usr/local/lib/berth/switch.conf > /tmp/switch.log 2>&1 &
  nginx 2> /tmp/edge.log`;

// The converger's own code, without systemd.
const pointAt = `
import subprocess, sys
sys.path.insert(0, "/usr/local/lib/berth")
import edge
edge.call = lambda *_: subprocess.run(["nginx", "-c", "/usr/local/lib/berth/switch.conf", "-s", "reload"], check=True)
edge.Edge().point_at([int(port) for port in sys.argv[1:]])
`;

export async function openEdgeRig(): Promise<EdgeRig> {
  const toolbox = await openToolbox(await connectDocker());
  try {
    const app = readFileSync(fromRoot("test/host/failing-app.py"), "utf8");
    await toolbox.put([
      { path: "/tmp/app.py", text: app, executable: false },
      { path: "/tmp/point-at.py", text: pointAt, executable: false },
    ]);
    await toolbox.run(startEdge);
  } catch (error) {
    await toolbox[Symbol.asyncDispose]();
    throw error;
  }
  return {
    toolbox,
    url: toolbox.url,
    appUrl: toolbox.appUrl,
    serve: async (ports) => {
      for (const port of ports) await toolbox.run(startReplica(port));
      await toolbox.run(`python3 -B /tmp/point-at.py ${ports.join(" ")}`);
    },
    takeSeen: async () => {
      const seen = await toolbox.run("touch /tmp/seen && mv /tmp/seen /tmp/taken && cat /tmp/taken");
      return seen === "" ? [] : seen.split("\n");
    },
    readLog: async () => parseLog(await toolbox.run("base64 /var/log/berth/edge.log")),
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
  return text
    .trimEnd()
    .split("\n")
    .map((line): LogLine => JSON.parse(line));
}
