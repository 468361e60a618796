import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

/** A fault that would hurt a user, and the tests that must notice it. */
export interface Fault {
  /** The folder of the patch: `state`. */
  readonly area: string;
  readonly name: string;
  /** Path of the patch, relative to the root. */
  readonly path: string;
  /** Test files that must fail, relative to the root. */
  readonly tests: readonly string[];
  /** What a user would suffer. */
  readonly why?: string | undefined;
  /** Files that the patch changes, relative to the root. */
  readonly changes: readonly string[];
}

const folder = "test/planted";

/** Every `test/planted/AREA/NAME.patch` below the root, by area and name. */
export async function readFaults(root: string): Promise<Fault[]> {
  const names = await readdir(join(root, folder), { recursive: true });
  const paths = names.filter((name) => name.endsWith(".patch")).toSorted();
  return Promise.all(
    paths.map(async (path) =>
      parseFault(join(folder, path), await readFile(join(root, folder, path), "utf8")),
    ),
  );
}

/** Throws TypeError for a patch that doesn't say which tests must notice it. */
function parseFault(path: string, text: string): Fault {
  const [head = ""] = text.split(/^--- /m);
  const valueOf = (key: string) =>
    [...head.matchAll(new RegExp(`^# ${key}: *(.*)$`, "gm"))].map(([, value = ""]) => value.trim());
  const tests = valueOf("test").flatMap((list) => list.split(/[,\s]+/).filter((name) => name !== ""));
  if (tests.length === 0) throw new TypeError(`${path} doesn't begin with "# test: test/…"`);
  const why = valueOf("why").join(" ");
  return {
    area: relative(folder, dirname(path)),
    name: basename(path, ".patch"),
    path,
    tests,
    ...(why === "" ? {} : { why }),
    changes: [...text.matchAll(/^\+\+\+ b\/(\S+)/gm)].map(([, file = ""]) => file),
  };
}

/** The faults with the given areas, names or `area/name`s; all when none is given. */
export function chooseFaults(faults: readonly Fault[], words: readonly string[]): Fault[] {
  const isMeant = ({ area, name }: Fault) =>
    [area, name, `${area}/${name}`].some((one) => words.includes(one));
  return words.length === 0 ? [...faults] : faults.filter(isMeant);
}
