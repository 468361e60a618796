import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, loadConfig } from "../../lib/config/load.ts";
import { BerthError } from "../../lib/errors.ts";
import type { Attack } from "./attack.ts";
import { endure } from "./side-stacks.ts";
import { isSafeForTerminal } from "./terminal.ts";

const whole = "stack: hello\nregion: eu-central-1\napp:\n  source: .\n";
const environment = (lines: string) => `${whole}  environment:\n    ${lines}\n`;
const tags = (lines: string) => `${whole}tags:\n  ${lines}\n`;

async function withFile<T>(text: string, work: (file: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "berth-configuration-"));
  try {
    await writeFile(join(directory, "Dockerfile"), "FROM scratch\n");
    await writeFile(join(directory, "berth.yaml"), text);
    return await work(join(directory, "berth.yaml"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What loading says: `judge` of what was loaded, or how it was refused. */
function load(text: string, judge: (config: Config) => string): Promise<string> {
  return withFile(text, async (file) => {
    try {
      return judge(await loadConfig(file));
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== "BadConfiguration")
        return `a crash: ${String(error)}`;
      if (!isSafeForTerminal(error.detail.join("\n"))) return "refused, with its control characters";
      return error.detail.every((line) => /:\d+:\d+ /.test(line)) ? refused : "refused without a place";
    }
  });
}

const refused = "refused at its line";
const taken = () => "taken as it is";

const refusals: Record<string, string> = {
  "NUL in a value of the environment": environment('A: "a\\0b"'),
  "NUL in a tag": tags('A: "a\\0b"'),
  "NUL in a tag's name": tags('"a\\0b": x'),
  "an unknown key with an escape code": `${whole}"\\e]52;c;eA==\\a": 1\n`,
  "an unknown key __proto__": `${whole}__proto__:\n  stack: other\n`,
  "a stack's name that ends the quote of the user data": whole.replace("hello", `"a'\\nruncmd: [id]"`),
  "a stack's name that is a path": whole.replace("hello", "../../other"),
  "a stack's name that is an option": whole.replace("hello", "--yes"),
  "a region that is another host": whole.replace("eu-central-1", "x.example/"),
  "a name of the environment with =": environment("A=B: x"),
  "a name of the environment that is an option": environment("--privileged: x"),
  "an ownership tag": tags("berth:stack: other"),
  "an ownership tag in capitals": tags("BERTH:STACK: other"),
  "aliases of aliases": `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n${whole}`,
  "an alias of itself": tags("a: &a { b: *a }"),
  "a key twice": `${whole}stack: other\n`,
  "two documents": `${whole}---\nstack: other\n`,
  "a tag that makes an object": tags("a: !!binary aGk="),
  "20,000 lists in each other": `${whole}tags: ${"[".repeat(20_000)}${"]".repeat(20_000)}\n`,
};

/** Names that JavaScript knows something of: what carries one is refused or kept, and never lost or believed. */
const odd = ["__proto__", "constructor", "toString", "hasOwnProperty"];

const keptOrRefused = "nothing is lost";
const has = (record: Readonly<Record<string, string>>, name: string) =>
  Object.hasOwn(record, name) && record[name] === "x" ? keptOrRefused : "lost without a word";
const orRefused = (seen: string) => (seen === refused ? keptOrRefused : seen);

const attack = (name: string, expected: string, attempt: Attack["attempt"]): Attack => ({
  from: "input",
  name: `configuration: ${name}`,
  expected,
  attempt,
});

const manyTags = tags(Array.from({ length: 100_000 }, (_, index) => `t${index}: x`).join("\n  "));

export const configuration: readonly Attack[] = [
  ...Object.entries(refusals).map(([name, text]) => attack(name, refused, () => load(text, taken))),
  ...odd.map((name) =>
    attack(`${name} in the environment`, keptOrRefused, async () =>
      orRefused(await load(environment(`${name}: x`), ({ app }) => has(app.environment, name))),
    ),
  ),
  ...odd.map((name) =>
    attack(`${name} as a tag`, keptOrRefused, async () =>
      orRefused(await load(tags(`${name}: x`), (config) => has(config.tags, name))),
    ),
  ),
  attack("100,000 tags", "ends with error BadConfiguration", () =>
    withFile(manyTags, (file) => endure("provision/plan.ts", ["--config", file, "--local"])),
  ),
];
