import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";
import { exitCodes } from "../../lib/errors.ts";
import { fromRoot } from "../../lib/paths.ts";
import { parseCount, runScript } from "../../setup/script.ts";
import { z } from "zod";
import { type Room, rooms } from "./rooms.ts";

const help = `stryker: changes the code in every way that Stryker knows, one at a time, and sees whether the tests notice

Usage: npm run stryker -- [rooms] [options]

  --tests FILES   these tests in place of the room's own, separated by commas
  --workers N     how many processes at once (2)
  --one-of N      try one change of N, always the same ones (1: all)
  --help          this text

Rooms: ${Object.keys(rooms).join(", ")}; all when none is named. What was found is kept in .berth/stryker/, and only
what changed since is tried again. Survivors are in .berth/stryker/ROOM.html.
Exit codes: 0 done, 1 failed, 3 bad arguments.
`;

interface Score {
  readonly room: string;
  /** A test failed. */
  readonly killed: number;
  /** A test didn't end in time. */
  readonly timeout: number;
  readonly survived: number;
  /** No test reaches the mutant. */
  readonly unreached: number;
  /** No result: the process ended twice. */
  readonly failed: number;
}

/**
 * Runs Stryker in a copy of its own, with the tests of `node:test` in one process (see runner/plugin.ts). Most strings are wording: what
 * a test must hold of them, table tests do.
 */
async function mutate(
  room: string,
  { mutate: files, tests }: Room,
  { workers, oneOf }: Omit<Asked, "chosen">,
): Promise<Score> {
  const kept = `.berth/stryker/${room}`;
  await forgetLoadedSurvivors(`${kept}.json`);
  const stryker = new Stryker({
    mutate: [...files],
    testRunner: "node-test",
    plugins: [fromRoot("test/planted/runner/plugin.ts")],
    testRunnerNodeArgs: ["--import", "tsx"],
    checkerNodeArgs: ["--import", "tsx"],
    nodeTest: { files: [...tests], oneOf },
    checkers: oneOf === 1 ? [] : ["share"],
    mutator: { excludedMutations: ["StringLiteral"] },
    coverageAnalysis: "perTest",
    concurrency: workers,
    // A share's verdicts are no start for a whole run: what wasn't tried would pass for what doesn't compile.
    incremental: oneOf === 1,
    incrementalFile: `${kept}.json`,
    reporters: ["html", "progress-append-only"],
    htmlReporter: { fileName: `${kept}.html` },
    tempDirName: ".berth/stryker/tmp",
    ignorePatterns: ["bench", ".venv", ".berth"],
    // There is none to be found on purpose: Stryker would read it by a part of TypeScript that version 7 doesn't have.
    tsconfigFile: "none.json",
    disableTypeChecks: false,
    allowConsoleColors: false,
    // Only for what never lets go of the processor: for all else see runner/attempt.ts.
    timeoutMS: 30_000,
    timeoutFactor: 5,
  });
  const results = await stryker.runMutationTest();
  const count = (wanted: string) => results.filter(({ status }) => status === wanted).length;
  return {
    room,
    killed: count("Killed"),
    timeout: count("Timeout"),
    survived: count("Survived"),
    unreached: count("NoCoverage"),
    failed: count("RuntimeError"),
  };
}

const report = z.looseObject({
  files: z.record(
    z.string(),
    z.looseObject({
      mutants: z.array(z.looseObject({ status: z.string(), static: z.boolean().optional() })),
    }),
  ),
});

/**
 * What acts when a module is loaded is reached by no test of its own, so Stryker doesn't see that a new test may notice it: it would
 * stay a survivor for ever.
 */
async function forgetLoadedSurvivors(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const kept = report.parse(JSON.parse(await readFile(file, "utf8")));
  for (const one of Object.values(kept.files))
    one.mutants = one.mutants.filter((mutant) => !(mutant.static === true && mutant.status === "Survived"));
  await writeFile(file, JSON.stringify(kept));
}

const columns = ["killed", "timeout", "survived", "unreached", "failed"] as const;

function tableOf(scores: readonly Score[]): string {
  const head = `${"room".padEnd(12)}${columns.map((name) => name.padStart(10)).join("")}${"score".padStart(10)}`;
  const rows = scores.map((score) => {
    const noticed = score.killed + score.timeout;
    const tried = noticed + score.survived + score.unreached;
    const percent = tried === 0 ? "-" : `${((100 * noticed) / tried).toFixed(0)} %`;
    const counts = columns.map((name) => String(score[name]).padStart(10)).join("");
    return `${score.room.padEnd(12)}${counts}${percent.padStart(10)}`;
  });
  return [head, ...rows, ""].join("\n");
}

interface Asked {
  readonly chosen: readonly [string, Room][];
  readonly workers: number;
  readonly oneOf: number;
}

function parse(args: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      tests: { type: "string" },
      workers: { type: "string", default: "2" },
      "one-of": { type: "string", default: "1" },
    },
  });
  const absent = positionals.filter((name) => !(name in rooms));
  if (absent.length > 0) throw new TypeError(`there is no room ${absent.join(", ")}`);
  const named = Object.entries(rooms).filter(
    ([name]) => positionals.length === 0 || positionals.includes(name),
  );
  const { tests } = values;
  return {
    workers: parseCount("--workers", values.workers),
    oneOf: parseCount("--one-of", values["one-of"]),
    chosen:
      tests === undefined ? named : named.map(([name, room]) => [name, { ...room, tests: tests.split(",") }]),
  };
}

async function run({ chosen, ...asked }: Asked): Promise<number> {
  const scores: Score[] = [];
  for (const [name, room] of chosen) scores.push(await mutate(name, room, asked));
  process.stdout.write(tableOf(scores));
  return exitCodes.done;
}

await runScript({ invocation: "npm run stryker --", help, parse, run });
