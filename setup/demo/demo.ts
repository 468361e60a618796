import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { z } from "zod";
import { loadConfig } from "../../lib/config/load.ts";
import { exitCodes } from "../../lib/errors.ts";
import { webAuthorityFile } from "../../lib/local/control/messages.ts";
import { berthHome, fromRoot, root } from "../../lib/paths.ts";
import { printText } from "../../lib/report/terminal.ts";
import { imagesOf } from "../images/base-images.ts";
import { runOnTerminal, runOrFail } from "../child-process.ts";
import { ensureImages } from "../images/built-images.ts";
import { describePhases, type Phases } from "../phases.ts";
import { prepare } from "../prepare.ts";
import { countAnswers, describeAnswers } from "./requests.ts";
import { runScript, type ScriptContext } from "../script.ts";

const runner = fromRoot("bin/berth.mjs");
const requests = 200;

const help = `demo: sets everything up, then brings the app of berth.yaml to a public URL on an embedded AWS

Usage: npm run demo

No AWS account is used. It proves the URL with ${String(requests)} requests, leaves the app running, and ends with the one command that
takes everything away. A second run finds everything there, and changes nothing.
Exit codes: 0 done, 3 bad arguments, 130 interrupted; otherwise those of npm run up.
`;

async function demo(_asked: undefined, { phases, signal }: ScriptContext): Promise<number> {
  const { engineError } = await prepare({ engine: true, compose: false, images: imagesOf("demo") }, phases);
  if (engineError !== undefined) throw engineError;
  const { source, dockerfile, build } = (await loadConfig(join(root, "berth.yaml"))).app;
  const app = { source, dockerfile, buildArgs: build.args, target: build.target, secrets: build.secrets };
  await phases.run("boot image and app image", () => ensureImages(app, phases, signal));

  const code = await phases.run("npm run up -- --local", up);
  if (code !== 0) return code;
  const url = await phases.run("asking for the URL", findUrl);
  const authority = await readFile(authorityFile, "utf8").catch(() => undefined);
  const answers = await phases.run(`${String(requests)} requests`, () =>
    countAnswers(url, requests, authority),
  );

  printText(`\n${describeAnswers(url, answers)}\n\n${describeTime(phases)}\n`);
  const trust = url.startsWith("https:") ? `\n${howToTrust(url)}\n` : "";
  printText(`\n${url}\n${trust}\nTake everything away: npm run down -- --local --yes\n`);
  return answers.get("200") === requests ? exitCodes.done : exitCodes.failed;
}

/** The embedded AWS's certificates come from an authority that no browser knows. */
const authorityFile = join(berthHome(), "local", webAuthorityFile);

const howToTrust = (url: string): string =>
  `its certificate comes from the embedded AWS: curl --cacert ${relative(process.cwd(), authorityFile)} ${url}, or add that file to a browser's authorities`;

function up(): Promise<number> {
  const args = [runner, "up", "--config", "berth.yaml", "--local", "--yes"];
  return runOnTerminal(process.execPath, args, { cwd: root });
}

async function findUrl(): Promise<string> {
  const args = [runner, "status", "--config", "berth.yaml", "--local", "--json"];
  const events = await runOrFail(process.execPath, args, { cwd: root, what: "Asking for the URL" });
  const summary: unknown = JSON.parse(events.trimEnd().split("\n").at(-1) ?? "{}");
  return z.object({ url: z.string() }).parse(summary).url;
}

function describeTime(phases: Phases): string {
  const wallSeconds = (Date.now() - Number(process.env["BERTH_STARTED_MS"] ?? Date.now())) / 1000;
  // The set-up does several things at once, so the phases can add up to more than the total time.
  const rows = describePhases([...phases.ended, { name: "wall time in all", seconds: wallSeconds }]);
  return rows.map((row) => `  ${row}`).join("\n");
}

function parse(args: readonly string[]): undefined {
  if (args.length > 0) throw new TypeError(`npm run demo takes no arguments, and got ${args.join(" ")}`);
}

await runScript({ invocation: "npm run demo --", help, parse, run: demo });
