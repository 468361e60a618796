import { execFile } from "node:child_process";
import { chmod, link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Attack } from "./attack.ts";
import { type Entry, type Judge, pack, type Plant, secret } from "./packing.ts";
import type { Target } from "./target.ts";

const run = promisify(execFile);
const withoutSecret: Judge = (entries) =>
  entries.some(({ text }) => text.includes(secret))
    ? "the secret is in the build"
    : "nothing of others is in the build";
const find = (entries: readonly Entry[], name: string) => entries.find((entry) => entry.name === name);
const typeOf =
  (name: string): Judge =>
  (entries) =>
    find(entries, name)?.type ?? "left out";
const modeOf =
  (name: string): Judge =>
  (entries) =>
    (find(entries, name)?.mode ?? 0).toString(8);
const inside: Judge = (entries) => {
  const escaping = entries.find(({ name }) => name.startsWith("/") || name.split("/").includes(".."));
  return escaping === undefined ? "all names stay inside" : `${escaping.name} leaves the build`;
};
const kept =
  (name: string): Judge =>
  (entries) =>
    find(entries, name) === undefined ? "left out" : "kept under its name";
const nothingOfOthers = "nothing of others is in the build";

const tries: Record<string, readonly [Plant, Judge, string]> = {
  "a link to a file outside": [
    (f, b) => symlink(join(b, "secret"), join(f, "link")),
    withoutSecret,
    nothingOfOthers,
  ],
  "a link to a folder outside": [(f, b) => symlink(b, join(f, "link")), withoutSecret, nothingOfOthers],
  "a link upwards": [(f) => symlink("../beside/secret", join(f, "link")), withoutSecret, nothingOfOthers],
  "a link to /": [(f) => symlink("/", join(f, "link")), typeOf("link"), "symlink"],
  "a link to itself": [(f) => symlink("link", join(f, "link")), typeOf("link"), "symlink"],
  "a link to nothing": [(f) => symlink("/nothing", join(f, "link")), typeOf("link"), "symlink"],
  "a link to /proc/self/environ": [
    (f) => symlink("/proc/self/environ", join(f, "link")),
    typeOf("link"),
    "symlink",
  ],
  "two folders that link to each other": [
    async (f) => {
      await mkdir(join(f, "a"));
      await symlink("../a", join(f, "a", "b"));
    },
    typeOf("a/b"),
    "symlink",
  ],
  "a pipe": [(f) => run("mkfifo", [join(f, "pipe")]), typeOf("pipe"), "left out"],
  "a pipe as .dockerignore": [
    (f) => run("mkfifo", [join(f, ".dockerignore")]),
    inside,
    "all names stay inside",
  ],
  "a pipe as Dockerfile": [
    async (f) => {
      await rm(join(f, "Dockerfile"));
      await run("mkfifo", [join(f, "Dockerfile")]);
    },
    inside,
    "refused: DockerfileMissing",
  ],
  "a folder as Dockerfile": [
    async (f) => {
      await rm(join(f, "Dockerfile"));
      await mkdir(join(f, "Dockerfile"));
    },
    inside,
    "refused: DockerfileMissing",
  ],
  "a folder as .dockerignore": [(f) => mkdir(join(f, ".dockerignore")), inside, "all names stay inside"],
  "a Dockerfile that is a link outside": [
    async (f, b) => {
      await rm(join(f, "Dockerfile"));
      await symlink(join(b, "secret"), join(f, "Dockerfile"));
    },
    withoutSecret,
    "refused: SourceLeavesFolder",
  ],
  "a .dockerignore that is a link outside": [
    (f, b) => symlink(join(b, "secret"), join(f, ".dockerignore")),
    withoutSecret,
    "refused: SourceLeavesFolder",
  ],
  "a setuid program": [
    async (f) => {
      await writeFile(join(f, "root"), "#!/bin/sh\n");
      await chmod(join(f, "root"), 0o4755);
    },
    modeOf("root"),
    "755",
  ],
  "a file that all may write": [
    async (f) => {
      await writeFile(join(f, "open"), "");
      await chmod(join(f, "open"), 0o666);
    },
    modeOf("open"),
    "644",
  ],
  "a hard link": [(f) => link(join(f, "Dockerfile"), join(f, "second")), typeOf("second"), "file"],
  "a name with a line end": [(f) => writeFile(join(f, "a\nb"), ""), kept("a\nb"), "kept under its name"],
  "a name with an escape code": [
    (f) => writeFile(join(f, "\u001B[2J"), ""),
    kept("\u001B[2J"),
    "kept under its name",
  ],
  "a name that looks like an option": [
    (f) => writeFile(join(f, "--help"), ""),
    kept("--help"),
    "kept under its name",
  ],
  "a name with backslashes": [(f) => writeFile(join(f, "..\\..\\x"), ""), inside, "all names stay inside"],
  "a name of 255 letters": [
    (f) => writeFile(join(f, "n".repeat(255)), ""),
    kept("n".repeat(255)),
    "kept under its name",
  ],
  "a name that is no UTF-8": [
    (f) => writeFile(Buffer.concat([Buffer.from(`${f}/`), Buffer.from([0x61, 0xff])]), ""),
    inside,
    "refused: SourceUnreadable",
  ],
  "the name __proto__": [
    (f) => writeFile(join(f, "__proto__"), ""),
    kept("__proto__"),
    "kept under its name",
  ],
  "the name under which the Dockerfile travels": [
    (f) => writeFile(join(f, ".berth.dockerfile"), "FROM other\n"),
    (entries) => find(entries, ".berth.dockerfile")?.text.split("\n")[0] ?? "left out",
    "FROM scratch",
  ],
  "rules that let the Dockerfile's copy out": [
    (f) => writeFile(join(f, ".dockerignore"), "!.berth.dockerfile\n!.dockerignore\n"),
    (entries) => find(entries, ".dockerignore")?.text.trim().split("\n").at(-1) ?? "left out",
    ".berth.dockerfile",
  ],
  "rules that are a regular expression": [
    (f) => writeFile(join(f, ".dockerignore"), "(\n[\n+\nDocker(file)?x|.*\n"),
    kept("Dockerfile"),
    "kept under its name",
  ],
  "300 folders in each other": [
    (f) => mkdir(join(f, ...Array.from({ length: 300 }, () => "d")), { recursive: true }),
    inside,
    "all names stay inside",
  ],
  "a file that is all hole": [
    async (f) => {
      await writeFile(join(f, "hole"), "");
      await truncate(join(f, "hole"), 64 << 20);
    },
    typeOf("hole"),
    "file",
  ],
};

/** Rules that would take a backtracking matcher practically for ever. */
async function ruleForEver({ side }: Target): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-hostile-"));
  try {
    await writeFile(join(folder, "Dockerfile"), "FROM scratch\n");
    await writeFile(join(folder, ".dockerignore"), `${"*a".repeat(20)}b\n`);
    await writeFile(join(folder, "a".repeat(200)), "");
    const stack = await side.open("rules", folder);
    return await stack.endures("provision/plan.ts");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const hostileFiles: readonly Attack[] = [
  ...Object.entries(tries).map(([name, [plant, judge, expected]]): Attack => ({
    from: "input",
    name: `source: ${name}`,
    expected,
    attempt: () => pack(plant, judge),
  })),
  {
    from: "input",
    name: "source: rules that never end",
    expected: "ends with error none",
    attempt: ruleForEver,
  },
];
