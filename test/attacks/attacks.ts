import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitCodes } from "../../lib/errors.ts";
import { imagesOf } from "../../setup/images/base-images.ts";
import { bundle, bundled, commands } from "../../setup/compile/bundle.ts";
import { prepare } from "../../setup/prepare.ts";
import { parseCount, runScript, type ScriptContext } from "../../setup/script.ts";
import { tryAll } from "./attack.ts";
import { tableOf } from "./report.ts";
import { attacks } from "./table.ts";
import { openTarget } from "./target.ts";

const help = `attacks: tries to get in, out and past, on a host that really boots, and says what was seen

Usage: npm run attacks -- [options]

  --only PATTERN   attacks of which "from: name" matches this regular expression, such as "smuggling" or "^app"
  --lanes N        how many at once (8)
  --json           one JSON object an attack on stdout
  --help           this text

Everything is of this run alone: an embedded AWS, a host, an app that does as an attacker wants. Nothing is sent to any
other address. Each line says who tries what, what is expected and what was seen.
Exit codes: 0 all as expected, 1 not all, 3 bad arguments, 130 interrupted.
`;

interface Asked {
  readonly only: RegExp;
  readonly lanes: number;
  readonly json: boolean;
}

function parse(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", default: "" },
      lanes: { type: "string", default: "8" },
      json: { type: "boolean", default: false },
    },
  });
  return { only: new RegExp(values.only), lanes: parseCount("--lanes", values.lanes), json: values.json };
}

async function run({ only, lanes, json }: Asked, { phases, signal }: ScriptContext): Promise<number> {
  const chosen = attacks.filter(({ from, name }) => only.test(`${from}: ${name}`));
  const { engineError } = await prepare({ engine: true, compose: false, images: imagesOf("test") }, phases);
  if (engineError !== undefined) throw engineError;
  const directory = await mkdtemp(join(tmpdir(), "berth-attacks-"));
  try {
    await phases.run("compiling the commands", () => compileCommands(directory));
    await using target = await phases.run("booting a host", openTarget);
    const rows = await phases.run(`${chosen.length} attacks`, () =>
      tryAll({ target, attacks: chosen, lanes, signal, onRow: json ? printAsJson : undefined }),
    );
    if (!json) process.stdout.write(tableOf(rows));
    return rows.length > 0 && rows.every(({ isAsExpected }) => isAsExpected)
      ? exitCodes.done
      : exitCodes.failed;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const supervisor = "lib/local/supervisor.ts";

/** As `npm test` has them: they start in a third of the time. */
async function compileCommands(directory: string): Promise<void> {
  await bundle([...commands, supervisor], directory);
  process.env["BERTH_BUNDLE"] = directory;
  process.env["BERTH_SUPERVISOR"] = bundled(supervisor, directory);
}

const printAsJson = (row: object): void => void process.stdout.write(`${JSON.stringify(row)}\n`);

await runScript({ invocation: "npm run attacks --", help, parse, run });
