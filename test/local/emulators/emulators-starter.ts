import { startEmulators } from "../../../lib/local/emulators/emulators.ts";

// Started by emulators.test.ts, which kills it.
const emulators = await startEmulators({ logDirectory: process.argv[2] ?? "" });
process.stdout.write(`${emulators.backends.moto}\n`);
setInterval(() => undefined, 1000);
