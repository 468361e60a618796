import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection to a web address that says exactly what it is given. */
export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || 80) });
  // An end by the other side is an outcome here, never an exception.
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Sends bytes, and reads until the other side is done or has said nothing for a while. */
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
