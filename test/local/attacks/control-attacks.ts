import { once } from "node:events";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";

/** Sends this to a Unix socket, and gives all that comes back until it is cut off. */
export async function sendToSocket(path: string, ...pieces: readonly string[]): Promise<string> {
  const socket = connect(path);
  // To be cut off in the middle is what is expected.
  socket.on("error", () => socket.destroy());
  for (const piece of pieces) socket.write(piece);
  return text(socket).catch(() => "");
}

/** Something in the supervisor's place. */
export interface Squatter extends AsyncDisposable {
  /** All that was said to it. */
  readonly heard: () => string;
}

/** Listens where a supervisor would, and answers whatever it is told with these lines. */
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
