import { once } from "node:events";
import { createInterface } from "node:readline";
import type Docker from "dockerode";
import { separateOutput } from "../../lib/docker/output.ts";
import { until } from "./temporary-aws.ts";

/** Captures the packets of the machines' network on its bridge. */
export interface LinkLocalCapture extends AsyncDisposable {
  /** An unused address. A captured request to it proves that the capture works. */
  readonly control: string;
  /** Destinations of all packets to 169.254.0.0/16 and to the control, which `sendControl` has the machine send. */
  stop(sendControl: () => Promise<unknown>): Promise<string[]>;
}

const control = "203.0.113.253";

const source = `
import socket, sys
capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
capture.bind((sys.argv[1], 0x0800))
print("listening", flush=True)
while True:
    packet = capture.recv(65535)
    destination = socket.inet_ntoa(packet[16:20])
    if destination.startswith("169.254.") or destination == "${control}":
        print(destination, flush=True)
`;

/** Captures on the bridge of the machine's network, from a container in this computer's network. */
export async function captureLinkLocal(docker: Docker, machineId: string): Promise<LinkLocalCapture> {
  const { Image, NetworkSettings } = await docker.getContainer(machineId).inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  const container = await docker.createContainer({
    Image,
    Entrypoint: ["python3", "-c", source, `br-${network?.NetworkID.slice(0, 12)}`],
    HostConfig: { AutoRemove: true, NetworkMode: "host", CapDrop: ["ALL"], CapAdd: ["NET_RAW"] },
    StopSignal: "SIGKILL",
  });
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const { stdout, stderr } = separateOutput(docker, stream);
  stderr.pipe(process.stderr);
  const lines = createInterface({ input: stdout });
  const seen: string[] = [];
  lines.on("line", (line) => seen.push(line));
  const listening = once(lines, "line");
  await container.start();
  await listening;
  return {
    control,
    stop: async (sendControl) => {
      // A machine that is busy may have given up before it sent anything.
      await until(async () => {
        await sendControl();
        return seen.includes(control);
      });
      return seen.filter((line) => line !== "listening");
    },
    [Symbol.asyncDispose]: () => container.kill(),
  };
}
