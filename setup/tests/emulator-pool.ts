import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startEmulators, type Emulators } from "../../lib/local/emulators/emulators.ts";

/** Emulators that many test files use one after the other. Each file gets empty ones. */
export interface EmulatorPool extends AsyncDisposable {
  /**
   * Unix socket. A client sends the line `moto` (without a registry) or `both`, and gets endpoints, credentials and
   * backends as one line of JSON. `reset` empties the emulators and is answered by `done`. They belong to the client
   * until the connection ends.
   */
  readonly path: string;
}

type Kind = "moto" | "both";

/**
 * Opens the pool without starting any emulator. Emulators are started when they are needed, as many as are borrowed at
 * the same time.
 */
export async function openEmulatorPool(): Promise<EmulatorPool> {
  const directory = await mkdtemp(join(tmpdir(), "berth-emulators-"));
  const free = new Map<Kind, Emulators[]>([
    ["moto", []],
    ["both", []],
  ]);
  const started: Emulators[] = [];
  const take = async (kind: Kind): Promise<Emulators> => {
    const used = free.get(kind)?.pop();
    if (used !== undefined) return used;
    const logDirectory = await mkdtemp(join(directory, "log-"));
    const emulators = await startEmulators({ logDirectory, ecr: kind === "both" });
    started.push(emulators);
    return emulators;
  };
  const server = createServer((socket) => {
    lend(socket, take).then(
      ({ kind, emulators }) => free.get(kind)?.push(emulators),
      // Broken emulators aren't lent again, and the test that borrowed them fails.
      (error: unknown) => socket.destroy(error instanceof Error ? error : undefined),
    );
  });
  const path = join(directory, "socket");
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await Promise.all(started.map((one) => one[Symbol.asyncDispose]()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Lends emulators and returns when they are free again. */
async function lend(socket: Socket, take: (kind: Kind) => Promise<Emulators>) {
  // The connection is cut when a test's process is killed.
  socket.on("error", () => socket.destroy());
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const kind: Kind = value === "both" ? "both" : "moto";
  const emulators = await take(kind);
  const { endpoints, credentials, backends } = emulators;
  socket.write(`${JSON.stringify({ endpoints, credentials, backends })}\n`);
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    await emulators.reset();
    socket.write("done\n");
  }
  await emulators.reset();
  return { kind, emulators };
}
