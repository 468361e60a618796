import { relative, resolve } from "node:path";
import { BerthError, exitCodes } from "../../lib/errors.ts";

export interface TestSelection {
  /** Paths relative to the repository, sorted. */
  readonly files: readonly string[];
  /** Options for node's own test runner. */
  readonly options: readonly string[];
}

const optionsWithValue = new Set([
  "--test-concurrency",
  "--test-name-pattern",
  "--test-reporter",
  "--test-reporter-destination",
  "--test-skip-pattern",
  "--test-timeout",
]);

/**
 * Reads the arguments of `npm test`: options go to node's test runner, the path of a file or folder chooses test
 * files, any other word is a pattern for names of tests. Without a path all files are chosen but the slow ones, and those
 * too with `--all`.
 *
 * @throws BerthError `BadArguments` for a path that leads to no test
 */
export function selectTests(
  args: readonly string[],
  all: readonly string[],
  root = process.cwd(),
): TestSelection {
  const options: string[] = [];
  const chosen = new Set<string>();
  const words = args.filter((word) => word !== "--all");
  const usual = args.includes("--all") ? all : all.filter((file) => !isSlow(file));
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word.startsWith("-")) {
      const value = optionsWithValue.has(word) ? words.shift() : undefined;
      options.push(value === undefined ? word : `${word}=${value}`);
      continue;
    }
    const path = relative(root, resolve(root, word));
    const files = all.filter((file) => path === "" || file === path || file.startsWith(`${path}/`));
    for (const file of files) chosen.add(file);
    if (files.length > 0) continue;
    if (/[/]|\.ts$/.test(word)) throw noSuchTest(word);
    options.push(`--test-name-pattern=${word}`);
  }
  return { files: chosen.size === 0 ? usual.toSorted() : [...chosen].toSorted(), options };
}

export interface Missing {
  readonly engine: boolean;
  readonly compose: boolean;
}

/** Which of the files can't run without an engine, or without Compose: known by their names. */
export function findUnrunnable(files: readonly string[], missing: Missing): string[] {
  return files.filter(
    (file) => needsEngine(file) && (missing.engine || (missing.compose && file.startsWith("test/compose/"))),
  );
}

/** By its name, as in `a.docker.test.ts` and `a.docker.slow.test.ts`. */
export function needsEngine(file: string): boolean {
  return /\.docker(?:\.slow)?\.test\.ts$/.test(file);
}

/** By its name, as in `a.slow.test.ts`: what keeps the processor busy for long, and is seldom the first to find a mistake. */
export function isSlow(file: string): boolean {
  return file.endsWith(".slow.test.ts");
}

function noSuchTest(word: string): BerthError {
  return new BerthError({
    code: "BadArguments",
    message: `there is no test file at ${word}`,
    hint: "give the path of a *.test.ts file or of a folder under test/, or a part of a test's name",
    exitCode: exitCodes.badInput,
  });
}
