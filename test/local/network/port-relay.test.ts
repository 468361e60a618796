import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { it } from "node:test";
import { pythonPath } from "../../../lib/local/python.ts";
import { fromRoot } from "../../../lib/paths.ts";

const address = "127.31.7.5";

it("ends every connection that it has taken when a port closes", async () => {
  const machine = createServer((_, response) => response.end("served")).listen(0, "127.0.0.1");
  await once(machine, "listening");
  const bound = machine.address();
  const port = typeof bound === "object" ? (bound?.port ?? 0) : 0;
  const source = fromRoot("lib/local/network/port_relay.py");
  const relay = spawn(pythonPath, ["-Iu", source], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: relay.stdout })[Symbol.asyncIterator]();
  try {
    for (let round = 0; round < 3; round += 1) {
      relay.stdin.write(
        `${JSON.stringify([{ address, port, sources: ["0.0.0.0/0"], machine: "127.0.0.1" }])}\n`,
      );
      assert.equal((await answers.next()).value, "[]");
      assert.equal(await (await fetch(`http://${address}:${port}/`)).text(), "served");
      // Held still, it finds both at the same moment: the word to close, and somebody who knocks.
      relay.kill("SIGSTOP");
      relay.stdin.write("[]\n");
      const visitor = connect(port, address);
      const ended = new Promise((resolve) => {
        visitor.resume().on("error", resolve).on("end", resolve);
      });
      await once(visitor, "connect");
      visitor.write("GET / HTTP/1.0\r\n\r\n");
      relay.kill("SIGCONT");
      assert.equal((await answers.next()).value, "[]");
      await ended;
    }
  } finally {
    relay.stdin.end();
    machine.close();
    machine.closeAllConnections();
  }
});
