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
  return await flood(url, count, (socket) => socket.write("GET / HTTP/1.1\r\nHost: edge\r\nX-Never"));
}

/** Connections that each send all of a body but its last byte. */
export async function sendUnfinishedBodies(url: string, count: number, bytes: number): Promise<Flood> {
  const body = Buffer.alloc(bytes - 1, "x");
  return await flood(url, count, (socket) => {
    socket.write(`POST /slow HTTP/1.1\r\nHost: edge\r\nContent-Length: ${bytes}\r\n\r\n`);
    socket.write(body);
  });
}

/** Connections that each ask for something, and read nothing of it. */
export async function readNothing(url: string, count: number, path: string): Promise<Flood> {
  return await flood(url, count, (socket) => {
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: edge\r\n\r\n`);
  });
}

async function flood(url: string, count: number, begin: (socket: Socket) => void): Promise<Flood> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(url)));
  const answers = new Map<Socket, string>();
  for (const socket of sockets) {
    socket.on("data", (part: Buffer) => {
      answers.set(socket, (answers.get(socket) ?? "") + part.toString("latin1"));
    });
    begin(socket);
  }
  return {
    open: () => sockets.filter((socket) => !socket.closed && !socket.readableEnded).length,
    answered: () => [...answers.values()].flatMap((answer) => statuses(answer).slice(0, 1)),
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
