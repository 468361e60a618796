import { parseArgs } from "node:util";
import { openEmulatorPool } from "../../setup/tests/emulator-pool.ts";
import { prepare } from "../../setup/prepare.ts";
import { parseCount, runScript, type ScriptContext } from "../../setup/script.ts";
import { needsEngine } from "../../setup/tests/test-selection.ts";
import { BerthError, exitCodes } from "../../lib/errors.ts";
import { chooseFaults, type Fault, readFaults } from "./fault.ts";
import { isGood, sumUp, tableOf } from "./table.ts";
import { type Result, tryFaults } from "./trial.ts";

const help = `mutants: plants faults in copies of the tree, one at a time, and sees whether the tests notice

Usage: npm run mutants -- [areas or names] [options]

  --no-docker    leave out the faults whose tests need a Docker engine
  --workers N    how many at once (2)
  --json         one JSON object a fault on stdout, and a last one with the sums
  --help         this text

Each fault is a patch, test/planted/AREA/NAME.patch, that names the tests which must turn red; docs/tests.md tells more.
Exit codes: 0 nine of ten are noticed in each area, 1 fewer, or a patch that can't be tried, 3 bad arguments.
`;

interface Asked {
  readonly words: readonly string[];
  readonly docker: boolean;
  readonly workers: number;
  readonly json: boolean;
}

function parse(args: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "no-docker": { type: "boolean", default: false },
      workers: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
    },
  });
  const workers = parseCount("--workers", values.workers);
  return { words: positionals, docker: !values["no-docker"], workers, json: values.json };
}

async function choose(root: string, { words, docker }: Asked): Promise<Fault[]> {
  const chosen = chooseFaults(await readFaults(root), words);
  if (chosen.length === 0) throw noFault(words);
  return docker ? chosen : chosen.filter(({ tests }) => !tests.some(needsEngine));
}

const noFault = (words: readonly string[]): BerthError =>
  new BerthError({
    code: "NoFault",
    message: `there is no fault ${words.join(", ")} in test/planted`,
    hint: "name an area, such as command, or one fault, such as command/certificate-wait-on",
    exitCode: exitCodes.badInput,
  });

async function run(asked: Asked, { phases, signal }: ScriptContext): Promise<number> {
  const root = process.cwd();
  const faults = await choose(root, asked);
  const { json, workers } = asked;
  await prepare({ engine: false, compose: false, images: [] }, phases);
  await using emulators = await openEmulatorPool();
  let done = 0;
  const tell = (result: Result) => {
    const { fault, verdict, durationMs } = result;
    done += 1;
    if (json) process.stdout.write(`${JSON.stringify({ ...fault, verdict, durationMs })}\n`);
    const seconds = `${(durationMs / 1000).toFixed(1).padStart(5)} s`;
    process.stderr.write(
      `${String(done).padStart(4)}/${faults.length} ${verdict.padEnd(8)} ${seconds}  ${fault.area}/${fault.name}\n`,
    );
  };
  process.stderr.write(`${faults.length} faults; first their tests without any\n`);
  const environment = { BERTH_EMULATORS: emulators.path };
  const results = await tryFaults({ root, faults, workers, signal, environment, onResult: tell });
  process.stdout.write(json ? `${JSON.stringify(sumUp(results))}\n` : tableOf(results));
  return sumUp(results).every(isGood) ? 0 : 1;
}

await runScript({ invocation: "npm run mutants --", help, parse, run });
