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

/** How long the other side may be silent: long before what must come, and a moment before what may not. */
const silence = { longestMs: 120_000, momentMs: 300 };

/** Sends bytes, and reads until the other side closes. One that keeps the connection has said all a moment after `isAnswer`. */
export async function exchange(
  url: string,
  bytes: string | Buffer,
  isAnswer: (answer: string) => boolean = () => false,
): Promise<string> {
  const socket = await open(url);
  let answer = "";
  socket.setTimeout(silence.longestMs, () => socket.destroy());
  socket.setEncoding("latin1").on("data", (text: string) => {
    answer += text;
    if (isAnswer(answer)) socket.setTimeout(silence.momentMs);
  });
  socket.write(bytes);
  if (!socket.destroyed) await once(socket, "close");
  return answer;
}

/** `fetch` on a connection of its own. One that was kept may be closing just now, as after a reload of the edge. */
export const fetchAlone = (url: string, { headers = {}, ...init }: AloneInit = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { ...headers, connection: "close" } });

type AloneInit = Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> };

/** The statuses of all answers on a connection. */
export function statuses(answer: string): number[] {
  return [...answer.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, code]) => Number(code));
}
