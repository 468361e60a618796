import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { commands } from "../../bin/commands.mjs";
import { listCommands } from "../../lib/command/completion/known-commands.ts";
import { matches } from "../docs/tree.ts";
import { requireExit, runScript } from "./command-line.ts";

const run = promisify(execFile);
const script = "provision/completion.ts";

describe("berth completion bash, in a real bash", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-completion-"));
    const printed = await runScript(script, ["bash"]);
    requireExit(printed, 0);
    assert.equal(printed.stderr, "");
    await writeFile(join(folder, "berth.bash"), printed.stdout);
    await writeFile(join(folder, "a shop.yaml"), "");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const bash = async (commandLine: string, ...args: readonly string[]) => {
    const text = `source ./berth.bash\n${commandLine}`;
    const { stdout } = await run("bash", ["--norc", "-euc", text, "bash", ...args], { cwd: folder });
    return stdout.split("\n").filter((line) => line !== "");
  };

  /** What the Tab key offers behind these words; the last one is what has been typed of the next. */
  const complete = (...words: readonly string[]) =>
    bash(
      `COMP_WORDS=(berth "$@") COMP_CWORD=$#; _berth; for one in "\${COMPREPLY[@]}"; do echo "$one"; done`,
      ...words,
    );

  it("is what bash calls for berth", async () => {
    assert.deepEqual(await bash("complete -p berth"), ["complete -F _berth berth"]);
  });

  for (const [name, command] of Object.entries(commands)) {
    if (!("script" in command) || /^(?:setup|compose)\//.test(command.script)) continue;
    const words: readonly string[] = "words" in command ? command.words : [];
    for (const path of [[name], ...words.map((word) => [name, word])]) {
      it(`offers the options that the help of ${path.join(" ")} lists`, async () => {
        const help = await runScript(command.script, [...path.slice(1), "--help"]);
        requireExit(help, 0);
        const isGroup = path.length === 1 && words.length > 0;
        if (isGroup) {
          assert.deepEqual(
            matches(help.stdout, new RegExp(`^ +berth ${name} (\\w+) `, "gm")),
            words.toSorted(),
          );
          assert.deepEqual(await complete(...path, ""), words);
          return;
        }
        const options = matches(help.stdout, /^ +(?:-\w, )?(--[\w-]+)/gm);
        assert.ok(options.includes("--help"), help.stdout);
        const offered = await complete(...path, "--");
        assert.deepEqual(offered.toSorted(), options);
        const operands: readonly string[] = "operands" in command ? command.operands : [];
        if (operands.length > 0) {
          assert.match(help.stdout, new RegExp(`^Usage: .* \\[${operands.join("\\|")}\\] `, "m"));
          assert.deepEqual(await complete(...path, ""), operands);
          for (const one of operands) assert.deepEqual(await complete(...path, one, "--"), offered);
          return;
        }
        // With nothing typed, the short ones too: no other word can follow.
        assert.deepEqual(
          (await complete(...path, "")).toSorted(),
          [...options, ...matches(help.stdout, /^ +(-\w), /gm)].toSorted(),
        );
      });
    }
  }

  for (const [words, expected] of [
    [["pl"], ["plan"]],
    [["s"], ["status", "snapshot", "secret", "state", "shell", "smoke"]],
    [["nothing"], []],
    [["nothing", ""], []],
    [
      ["state", "re"],
      ["restore", "rebuild"],
    ],
    [["--stack", "up", "pl"], ["plan"]],
    [["--stack", "=", "up", "pl"], ["plan"]],
    [["--local", "state", "sh"], ["show"]],
    [["rollback", "7", "--js"], ["--json"]],
    [["up", "--stack", ""], []],
    [["up", "--config", "a"], ["a shop.yaml"]],
    [["up", "--config", "=", "a"], ["a shop.yaml"]],
    [
      ["up", "--config", "="],
      ["a shop.yaml", "berth.bash"],
    ],
    [["up", "--config", "a shop.yaml", "--lo"], ["--local"]],
    [["completion", "z"], ["zsh"]],
  ] as const) {
    it(`offers ${expected.join(", ") || "nothing"} for berth ${words.join(" ")}`, async () => {
      const wanted: readonly string[] = expected;
      assert.deepEqual((await complete(...words)).toSorted(), wanted.toSorted());
    });
  }

  it("offers every command of the table", async () => {
    assert.deepEqual(await complete(""), Object.keys(commands));
  });
});

describe("berth completion", () => {
  it("knows every command and option in zsh and fish too", async () => {
    const [zsh, fish] = await Promise.all(["zsh", "fish"].map((shell) => runScript(script, [shell])));
    for (const { path, words, options } of listCommands()) {
      const branch = zsh?.stdout.split("\n").find((line) => line.startsWith(`    ("${path}"`)) ?? "";
      const lines = fish?.stdout.split("\n").filter((line) => line.includes(` '${path}'" `)) ?? [];
      for (const [word] of words) {
        assert.match(branch, new RegExp(` list=\\(.*'${word}[:'].*\\) options=`), path);
        assert.ok(
          lines.some((line) => new RegExp(` -a ${word}( -d '.+')?$`).test(line)),
          `${path} ${word}`,
        );
      }
      for (const { name, text } of options) {
        assert.ok(branch.includes(`'--${name}:${text.replaceAll("'", `'\\''`)}'`), `${path} --${name}`);
        assert.ok(
          lines.some((line) => line.includes(` -l ${name} `)),
          `${path} --${name}`,
        );
      }
    }
  });

  it("breaks no line and asks for no configuration, and refuses an unknown shell", async () => {
    const elsewhere = { BERTH_HOME: "/proc/nowhere" };
    const printed = await runScript(script, ["bash"], { env: elsewhere });
    assert.equal(printed.stdout.trimEnd().split("\n").at(-1), "complete -F _berth berth");
    for (const args of [[], ["tcsh"], ["bash", "--stack", "shop"], ["bash", "more"]]) {
      const refused = await runScript(script, args);
      requireExit(refused, 3);
      assert.match(refused.stderr, /BadArguments/);
      assert.match(refused.stderr, /berth completion(?: bash)? --help lists what there is/);
    }
  });
});
