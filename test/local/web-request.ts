import { request } from "node:http";

/** Returns the body, or the error's code when no answer arrived: `ECONNREFUSED`, `ECONNRESET`. */
export async function get(address: string, localAddress?: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({
      host: address,
      port: 80,
      agent: false,
      ...(localAddress ? { localAddress } : {}),
    });
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
      // The connection was cut in the middle of the answer.
      response.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end();
  });
}
