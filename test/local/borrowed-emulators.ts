import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import {
  startEmulators,
  type Emulators,
  type EmulatorsOptions,
} from "../../lib/local/emulators/emulators.ts";

/**
 * Emulators that tests share one after the other, as empty as new ones. `npm test` keeps a pool, because emulators take
 * longer to start than most tests to run. A test that is started by itself starts its own.
 */
export async function borrowEmulators(options: EmulatorsOptions): Promise<Omit<Emulators, "ended">> {
  const path = process.env["BERTH_EMULATORS"];
  if (path === undefined) return startEmulators(options);
  const socket = connect(path);
  const closed = once(socket, "close");
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const ask = async (text: string): Promise<string> => {
    socket.write(`${text}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error("The emulators that were borrowed are gone");
    return value;
  };
  const lent: Pick<Emulators, "endpoints" | "credentials" | "backends"> = JSON.parse(
    await ask((options.ecr ?? true) ? "both" : "moto"),
  );
  return {
    ...lent,
    reset: async () => void (await ask("reset")),
    [Symbol.asyncDispose]: async () => {
      socket.end();
      await closed;
    },
  };
}
