import type Docker from "dockerode";
import { runInMachine } from "../local/machine-shell.ts";

/** Another user of this computer: its network, sockets without a file included, and none of the operator's rights. */
export interface OtherUser extends AsyncDisposable {
  /** Runs a Python program; its output, trimmed. */
  readonly run: (program: string) => Promise<string>;
}

/** A process of another user id in this computer's network. That it is a container lets it be had without root. */
export async function openOtherUser(docker: Docker): Promise<OtherUser> {
  const container = await docker.createContainer({
    Image: "python:3.13-slim-trixie",
    Cmd: ["sleep", "infinity"],
    User: "65531:65531",
    HostConfig: { NetworkMode: "host", Init: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] },
  });
  const dispose = () => container.remove({ force: true, v: true });
  try {
    await container.start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    run: (program) => {
      const packed = Buffer.from(program).toString("base64");
      return runInMachine(
        docker,
        container.id,
        `python3 -c "import base64; exec(base64.b64decode('${packed}'))" 2>&1`,
      );
    },
    [Symbol.asyncDispose]: dispose,
  };
}
