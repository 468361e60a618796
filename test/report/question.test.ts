import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fromRoot } from "../../lib/paths.ts";

const terminal = pathToFileURL(fromRoot("lib/report/terminal.ts")).href;
const asking = `
  import { ask } from ${JSON.stringify(terminal)};
  try { await ask("Sure?", new AbortController().signal); process.exit(0); }
  catch (error) { process.exit(error.code === "Interrupted" ? error.exitCode : 99); }`;

// A terminal of its own, in which a key is pressed once the question stands there.
const pressing = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
while b"Sure?" not in seen:
    seen += os.read(terminal, 1024)
os.write(terminal, sys.argv[1].encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

function pressAtQuestion(key: string): number | null {
  const node = [
    process.execPath,
    "--import",
    import.meta.resolve("tsx"),
    "--input-type=module",
    "-e",
    asking,
  ];
  return spawnSync("python3", ["-c", pressing, key, ...node]).status;
}

describe("a question on a terminal", () => {
  for (const [name, key, status] of [
    ["Ctrl-C", "\u0003", 130],
    ["Ctrl-D", "\u0004", 130],
    ["an answer", "yes\n", 0],
  ] as const) {
    it(`is ended by ${name} with ${status}`, () => assert.equal(pressAtQuestion(key), status));
  }
});
