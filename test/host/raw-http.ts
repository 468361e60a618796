import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Opens a connection to a web address that sends exactly the given bytes. */
export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || 80) });
  // A connection that the other side closes is a result here, not an error.
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Sends bytes, and reads until the other side closes or is silent for `quietMs`. */
export async function exchange(url: string, bytes: string | Buffer, quietMs = 300): Promise<string> {
  const socket = await open(url);
  let answer = "";
  socket.setTimeout(quietMs, () => socket.destroy());
  socket.setEncoding("latin1").on("data", (text: string) => {
    answer += text;
  });
  socket.write(bytes);
  if (!socket.destroyed) await once(socket, "close");
  return answer;
}

/** The statuses of all answers on a connection. */
export function statuses(answer: string): number[] {
  return [...answer.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, code]) => Number(code));
}
