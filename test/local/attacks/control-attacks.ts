import { once } from "node:events";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";

/** Sends the pieces to a Unix socket, and returns everything that is received until the connection is cut. */
export async function sendToSocket(path: string, ...pieces: readonly string[]): Promise<string> {
  const socket = connect(path);
  // The connection is expected to be cut.
  socket.on("error", () => socket.destroy());
  for (const piece of pieces) socket.write(piece);
  return text(socket).catch(() => "");
}

/** A process that listens in the supervisor's place. */
export interface Squatter extends AsyncDisposable {
  /** Everything that the squatter received. */
  readonly heard: () => string;
}

/** Listens where a supervisor would, and answers everything with these lines. */
export async function squat(path: string, ...lines: readonly string[]): Promise<Squatter> {
  let heard = "";
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      heard += chunk.toString("utf8");
      socket.write(lines.map((line) => `${line}\n`).join(""));
    });
  });
  server.listen(path);
  await once(server, "listening");
  return {
    heard: () => heard,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
