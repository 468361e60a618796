import type { Socket } from "node:net";
import { open, statuses } from "./raw-http.ts";

/** Connections that one client holds, each with the answer so far. */
export interface Flood extends Disposable {
  /** The number of connections that the other side hasn't closed. */
  open(): number;
  /** The first status on each connection that was answered. */
  answered(): number[];
}

/** Opens connections that each send the beginning of a header and nothing more. */
export async function sendHalfHeaders(url: string, count: number): Promise<Flood> {
  const begin = (socket: Socket) => socket.write("GET / HTTP/1.1\r\nHost: edge\r\nX-Never");
  return await flood(url, count, { begin });
}

/** Opens connections that each send nearly all of a body, and then one byte per second: none is idle, and none completes. */
export async function sendUnfinishedBodies(url: string, count: number, bytes: number): Promise<Flood> {
  const body = Buffer.alloc(bytes - 10_000, "x");
  return await flood(url, count, {
    begin: (socket) => {
      socket.write(`POST /slow HTTP/1.1\r\nHost: edge\r\nContent-Length: ${bytes}\r\n\r\n`);
      socket.write(body);
    },
    goOn: (socket) => socket.write("x"),
  });
}

/** Opens connections that each send a request and read almost nothing of the answer. */
export async function readNothing(url: string, count: number, path: string): Promise<Flood> {
  return await flood(url, count, {
    begin: (socket) => {
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: edge\r\n\r\n`);
    },
    goOn: (socket) => socket.read(16_384),
  });
}

interface Habit {
  readonly begin: (socket: Socket) => void;
  /** Called once per second, so that the connection doesn't count as idle. */
  readonly goOn?: (socket: Socket) => void;
}

async function flood(url: string, count: number, { begin, goOn }: Habit): Promise<Flood> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(url)));
  const answers = new Map<Socket, string>();
  for (const socket of sockets) {
    socket.on("data", (part: Buffer) => {
      answers.set(socket, (answers.get(socket) ?? "") + part.toString("latin1"));
    });
    begin(socket);
  }
  const timer = setInterval(() => {
    for (const socket of sockets) if (!socket.destroyed) goOn?.(socket);
  }, 1000);
  return {
    open: () => sockets.filter((socket) => !socket.closed && !socket.readableEnded).length,
    answered: () => [...answers.values()].flatMap((answer) => statuses(answer).slice(0, 1)),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
