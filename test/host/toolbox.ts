import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { isNotFound } from "../../lib/docker/connection.ts";
import { readRecords, recordedError } from "../../lib/docker/records.ts";
import { archive, type ArchivedFile } from "../../lib/host/archive.ts";
import { hostFiles } from "../../lib/host/host-files.ts";
import { runInMachine } from "../local/machine-shell.ts";

/** A Debian 13 container with the host's files in their places, and tools to check them. */
export interface Toolbox extends AsyncDisposable {
  /** This computer's URLs of the toolbox's ports 80 and 8080. */
  readonly url: string;
  readonly appUrl: string;
  run(script: string): Promise<string>;
  put(files: readonly ArchivedFile[]): Promise<void>;
}

const recipe = `FROM debian:trixie-slim
RUN apt-get update \\
 && apt-get install -y --no-install-recommends cloud-init shellcheck \\
    nginx-light libnginx-mod-http-perl libnginx-mod-http-headers-more-filter iptables python3-botocore python3-h2 systemd testssl.sh \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
`;

/** Disk space for buffered bodies and answers, of the edge and of the switch. */
export const spoolMiB = 64;

const ports = { "80/tcp": [{ HostIp: "127.0.0.1" }], "8080/tcp": [{ HostIp: "127.0.0.1" }] };

const spool = `size=${spoolMiB}m,mode=1777`;

export async function openToolbox(docker: Docker): Promise<Toolbox> {
  const container = await docker.createContainer({
    Image: await ensureImage(docker),
    Cmd: ["sleep", "infinity"],
    ExposedPorts: { "80/tcp": {}, "8080/tcp": {} },
    // A separate spool, as in the systemd units, and the right to set the packet filter of the container's own network.
    HostConfig: {
      Init: true,
      PortBindings: ports,
      CapAdd: ["NET_ADMIN"],
      Tmpfs: { "/var/spool/berth": spool, "/var/spool/berth-switch": spool },
    },
  });
  const put = async (files: readonly ArchivedFile[]) => {
    await container.putArchive(Readable.from([Buffer.from(archive(files))]), { path: "/" });
  };
  const dispose = () => container.remove({ force: true, v: true });
  try {
    await put(hostFiles());
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const url = (port: string) => `http://127.0.0.1:${NetworkSettings.Ports[port]?.[0]?.HostPort}`;
    return {
      url: url("80/tcp"),
      appUrl: url("8080/tcp"),
      run: (script) => runInMachine(docker, container.id, script),
      put,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function ensureImage(docker: Docker): Promise<string> {
  const tag = `berth-test-tools:${createHash("sha256").update(recipe).digest("hex").slice(0, 16)}`;
  try {
    await docker.getImage(tag).inspect();
    return tag;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const context = pack();
  context.entry({ name: "Dockerfile" }, recipe);
  context.finalize();
  const answer = await docker.buildImage(Readable.from(context), {
    t: tag,
    forcerm: true,
    networkmode: "host",
  });
  for await (const record of readRecords(answer)) {
    const failure = recordedError(record);
    if (failure !== undefined) throw new Error(`The tools could not be built: ${failure}`);
  }
  return tag;
}
