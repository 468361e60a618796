import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";
import { type Room, rooms } from "./rooms.ts";

const help = `stryker: changes the code in every way that Stryker knows, one at a time, and sees whether the tests notice

Usage: npm run stryker -- [rooms] [options]

  --tests FILES   these tests in place of the room's own, separated by commas
  --help          this text

Rooms: ${Object.keys(rooms).join(", ")}; all when none is named. What was found is kept in .berth/stryker/, and only
what changed since is tried again. Survivors are in .berth/stryker/ROOM.html.
Exit codes: 0 done, 1 failed, 3 bad arguments.
`;

interface Score {
  readonly room: string;
  readonly noticed: number;
  readonly survived: number;
}

const isNoticed = (status: string): boolean => ["Killed", "Timeout"].includes(status);
const isMissed = (status: string): boolean => ["Survived", "NoCoverage"].includes(status);

/** Runs Stryker in a copy of its own. Most strings are wording: what a test must hold of them, table tests do. */
async function mutate(room: string, { mutate: files, tests }: Room): Promise<Score> {
  const kept = `.berth/stryker/${room}`;
  const stryker = new Stryker({
    mutate: [...files],
    testRunner: "tap",
    plugins: ["@stryker-mutator/tap-runner"],
    tap: {
      testFiles: [...tests],
      nodeArgs: ["--import", "tsx", "-r", "{{hookFile}}", "{{testFile}}"],
      forceBail: true,
    },
    mutator: { excludedMutations: ["StringLiteral"] },
    coverageAnalysis: "perTest",
    concurrency: 2,
    incremental: true,
    incrementalFile: `${kept}.json`,
    reporters: ["clear-text", "html"],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportMutants: false },
    htmlReporter: { fileName: `${kept}.html` },
    tempDirName: ".berth/stryker/tmp",
    ignorePatterns: ["docs", "bench", "dockerfiles", ".venv", ".berth"],
    // There is none to be found on purpose: Stryker would read it by a part of TypeScript that version 7 doesn't have.
    tsconfigFile: "none.json",
    disableTypeChecks: false,
    allowConsoleColors: false,
    timeoutMS: 20_000,
  });
  const results = await stryker.runMutationTest();
  return {
    room,
    noticed: results.filter(({ status }) => isNoticed(status)).length,
    survived: results.filter(({ status }) => isMissed(status)).length,
  };
}

function rowOf({ room, noticed, survived }: Score): string {
  const percent = noticed + survived === 0 ? 0 : (100 * noticed) / (noticed + survived);
  return `${room.padEnd(12)} ${String(noticed).padStart(7)} ${String(survived).padStart(8)} ${percent.toFixed(0).padStart(5)} %`;
}

interface Asked {
  readonly chosen: readonly [string, Room][];
}

function parse(): Asked | "help" {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tests: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
  });
  if (values.help) return "help";
  const absent = positionals.filter((name) => !(name in rooms));
  if (absent.length > 0) throw new TypeError(`there is no room ${absent.join(", ")}`);
  const named = Object.entries(rooms).filter(
    ([name]) => positionals.length === 0 || positionals.includes(name),
  );
  const { tests } = values;
  return {
    chosen:
      tests === undefined ? named : named.map(([name, room]) => [name, { ...room, tests: tests.split(",") }]),
  };
}

async function main(): Promise<number> {
  let asked: Asked | "help";
  try {
    asked = parse();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 3;
  }
  if (asked === "help") {
    process.stdout.write(help);
    return 0;
  }
  const rows: string[] = [];
  for (const [name, room] of asked.chosen) rows.push(rowOf(await mutate(name, room)));
  process.stdout.write(["room         noticed survived score", ...rows, ""].join("\n"));
  return 0;
}

process.exitCode = await main();
