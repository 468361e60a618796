import type { Socket } from "node:net";
import { open, statuses } from "./raw-http.ts";

/** Connections that one client holds, each with what was answered on it so far. */
export interface Flood extends Disposable {
  /** Those that the other side hasn't ended. */
  open(): number;
  /** The first status of each that was answered. */
  answered(): number[];
}

/** Connections that each send the beginning of a header and no more. */
export async function sendHalfHeaders(url: string, count: number): Promise<Flood> {
  const begin = (socket: Socket) => socket.write("GET / HTTP/1.1\r\nHost: edge\r\nX-Never");
  return await flood(url, count, { begin });
}

/** Connections that each send nearly all of a body, and then a byte a second: none is idle, and none comes to its end. */
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

/** Connections that each ask for something, and read next to nothing of it. */
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
  /** What keeps it from being given up as idle, once a second. */
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
