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
 * Reads the arguments of `npm test`. Options go to node's test runner, paths of files or folders select test files, and
 * any other word is a pattern for names of tests. Without a path, all files but the slow ones are selected; with
 * `--all`, the slow ones too.
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

/** The files that can't run because the engine or Compose is missing, judged by their names. */
export function findUnrunnable(files: readonly string[], missing: Missing): string[] {
  return files.filter(
    (file) => needsEngine(file) && (missing.engine || (missing.compose && file.startsWith("test/compose/"))),
  );
}

/** Judged by the name, as in `a.docker.test.ts` and `a.docker.slow.test.ts`. */
export function needsEngine(file: string): boolean {
  return /\.docker(?:\.slow)?\.test\.ts$/.test(file);
}

/**
 * Judged by the name, as in `a.slow.test.ts`. Slow tests use much processor time and are seldom the first to find a
 * mistake.
 */
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
