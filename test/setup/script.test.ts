import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { root } from "../../lib/paths.ts";
import { run } from "../../setup/child-process.ts";
import { allPayloads, assertHarmless, assertUnforged } from "../report/payloads.ts";

/** Arguments for node: a script whose `parse` and `run` are these. */
const scriptOf = (parse: string, work: string) => [
  "--import",
  "tsx",
  "--input-type=module",
  "--eval",
  `const { parseCount, runScript } = await import("./setup/script.ts");
   await runScript({ invocation: "npm run it --", help: "what it does", parse: ${parse}, run: ${work} });`,
  "--",
  // In the place of the file that there would be.
  "script",
];

describe("a script", () => {
  it("shows its help, whatever else it is asked for", async () => {
    const args = [...scriptOf("() => { throw new Error() }", "async () => 1"), "--what", "--help"];
    const { code, stdout } = await run(process.execPath, args, { cwd: root });
    assert.deepEqual([code, stdout.trimEnd()], [0, "what it does"]);
  });

  it("ends with the exit code of its work", async () => {
    const args = [...scriptOf("([code]) => Number(code)", "async (code) => code"), "5"];
    assert.equal((await run(process.execPath, args, { cwd: root })).code, 5);
  });

  it("tells what is wrong with an argument, where to look, and ends with 3", async () => {
    const args = [...scriptOf('([count]) => parseCount("--lanes", count)', "async () => 0"), "none"];
    const { code, lines } = await run(process.execPath, args, { cwd: root });
    assert.equal(code, 3);
    assert.match(lines.join("\n"), /BadArguments: --lanes takes a number from 1, not "none"/);
    assert.match(lines.join("\n"), /npm run it -- --help/);
  });

  it("stopped by Ctrl-C lets the step in hand end, and ends with 130", async () => {
    const work = `async (_, { signal }) => {
      const held = setInterval(() => {}, 1000);
      signal.addEventListener("abort", () => clearInterval(held));
      console.log("begun");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      console.log("ended");
      return 0;
    }`;
    const child = spawn(process.execPath, scriptOf("() => 0", work), {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.once("data", () => child.kill("SIGINT"));
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    assert.deepEqual([output, code], ["begun\nended\n", 130]);
  });

  it("prints an error that nobody thought of like any other, harmless and with exit code 1", async () => {
    const failing = `() => Promise.reject(new RangeError(${JSON.stringify(allPayloads)}))`;
    const { code, lines } = await run(process.execPath, scriptOf("() => 0", failing), { cwd: root });

    const output = lines.join("\n");
    assert.equal(code, 1, output);
    assert.match(output, /^error Unexpected: RangeError: /m);
    assertHarmless(output);
    assertUnforged(output);
  });
});
