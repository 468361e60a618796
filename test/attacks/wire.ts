import { connect } from "node:net";
import { randomBytes } from "node:crypto";

export interface Exchange {
  /** The complete answer, byte for byte. */
  readonly text: string;
  /** Statuses of the answers, in order; one of HTTP/0.9 has none. */
  readonly statuses: readonly string[];
  readonly end: "closed" | "reset" | "open";
}

export interface Sending {
  readonly address: string;
  /** Sent unchanged, with a pause between parts, so that they arrive separately. */
  readonly parts: readonly (string | Buffer)[];
  /** How long to wait for the server to close. */
  readonly patienceMs?: number;
}

const partsApartMs = 100;

/** Sends bytes to port 80 and gathers what comes back until the server closes, or patience ends. */
export async function exchange({ address, parts, patienceMs = 60_000 }: Sending): Promise<Exchange> {
  const chunks: Buffer[] = [];
  const socket = connect(80, address);
  const end = await new Promise<Exchange["end"]>((resolve) => {
    socket.setTimeout(patienceMs, () => resolve("open"));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve("closed"));
    socket.on("error", () => resolve("reset"));
    socket.on("connect", () => {
      parts.forEach((part, index) => setTimeout(() => socket.write(part), index * partsApartMs));
    });
  });
  socket.destroy();
  const text = Buffer.concat(chunks).toString("latin1");
  return { text, statuses: statusesIn(text), end };
}

function statusesIn(text: string): string[] {
  if (text !== "" && !text.startsWith("HTTP/")) return ["without a head"];
  return [...text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status = ""]) => status);
}

/** A word that no other request contains. */
export const newToken = (): string => randomBytes(8).toString("hex");

/** Lines of a head, ended as HTTP has it. */
export const headOf = (...lines: readonly string[]): string => [...lines, "", ""].join("\r\n");
