import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { type Config, loadConfig } from "../../lib/config/load.ts";
import { schema } from "../../lib/config/schema.ts";
import { typesAt } from "../../lib/config/types.ts";
import { BerthError } from "../../lib/errors.ts";
import { read, section } from "../docs/tree.ts";

const root = await mkdtemp(join(tmpdir(), "berth-config-examples-"));
after(() => rm(root, { recursive: true, force: true }));
const file = join(root, "berth.yaml");
const page = await read("docs/configuration.md");
const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);
const least = { stack: "hello", region: "eu-central-1", app: { source: "app" } };

/** Nothing on this computer has the folders that the examples name. */
async function load(text: string): Promise<Config> {
  await writeFile(file, text);
  return loadConfig(file, { usesSource: false });
}

const loadVariable = (line: string) =>
  load(`stack: hello\nregion: eu-central-1\napp:\n  source: app\n  environment:\n    ${line}\n`);

/** The cells of a table's rows, without the head. A bar within a cell is written with a backslash. */
function rows(text: string): readonly (readonly string[])[] {
  const cells = (line: string) => line.split(/(?<!\\)\|/).map((cell) => cell.trim());
  return text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => cells(line).slice(1, -1));
}

const code = (cell = ""): string => /^`(.+)`$/.exec(cell)?.[1] ?? assert.fail(`no code: ${cell}`);
const keys = rows(section(page, "Keys")).map(([key, ...more]) => [code(key), ...more]);
/** `ingress[].port` as `["ingress", 0, "port"]`. */
const pathOf = (key: string) =>
  key.split(".").flatMap((name) => (name.endsWith("[]") ? [name.slice(0, -2), 0] : [name]));

describe("docs/configuration.md", () => {
  for (const [index, text] of examples.entries())
    it(`has a good example: ${index + 1} of ${examples.length}`, async () => {
      assert.equal((await load(text)).app.replicas > 0, true);
    });

  it("has an example of each key", () => {
    const shown = new Set(examples.flatMap((text) => keysOf(parse(text), "")));
    assert.deepEqual(
      keys.map(([key = ""]) => key).filter((key) => !shown.has(key)),
      [],
    );
  });

  it("says the defaults that the schema has", () => {
    const state = schema.parse({ ...least, state: { backend: "file" } }).state;
    const ingress = schema.parse({ ...least, ingress: [{ port: 80 }] }).ingress;
    const settings: unknown = { ...schema.parse(least), ingress, state: { ...state, backend: "s3" } };
    const said = keys.filter(([, value = ""]) => value === "empty" || /^`[^`]+`$/.test(value));
    assert.ok(said.length >= 14, `${said.length} defaults`);
    for (const [key = "", value = ""] of said) {
      const words = value === "empty" ? ["{}"] : asJson(code(value));
      const actual = JSON.stringify(valueAt(settings, pathOf(key)));
      assert.ok(words.includes(actual), `${key}: ${actual}`);
    }
  });

  it("says the bounds of each number", () => {
    let count = 0;
    for (const [key = "", , limits = ""] of keys)
      for (const type of typesAt(schema, pathOf(key))) {
        if (!(type instanceof z.ZodNumber)) continue;
        count += 1;
        assert.ok(
          limits.replaceAll(/(?<=\d),(?=\d)/g, "").includes(`${type.minValue} to ${type.maxValue}`),
          `${key}: ${type.minValue} to ${type.maxValue} expected in: ${limits}`,
        );
      }
    assert.ok(count >= 6, `${count} numbers`);
  });

  const [arriving = "", refused = ""] = section(page, "Values arrive as written").split(
    "Where the file doesn't say",
  );
  for (const [line, value] of rows(arriving))
    it(`says what arrives of ${line}`, async () => {
      const { environment } = (await loadVariable(code(line))).app;
      assert.deepEqual(Object.values(environment), [code(value)]);
    });

  for (const [line, other = ""] of rows(refused))
    it(`says that ${line} is refused, and what to write`, async () => {
      await assert.rejects(loadVariable(code(line)), (error) => {
        assert.ok(error instanceof BerthError && error.code === "BadConfiguration");
        assert.match(error.detail.join("\n"), /:6:\d+ {2}/);
        return true;
      });
      for (const [, instead = ""] of other.matchAll(/`(FOO: [^`]+)`/g)) await loadVariable(instead);
    });
});

/** How a default may be in the schema: as text, as a list of one text, as a number or a boolean. */
const asJson = (word: string): readonly string[] => [JSON.stringify(word), JSON.stringify([word]), word];

/** Every key in an example, and those above it: `ingress`, `ingress[].port`. */
function keysOf(value: unknown, above: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOf(item, `${above}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const key = above === "" ? name : `${above}.${name}`;
    return [key, ...keysOf(inner, key)];
  });
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null
        ? Object.entries(inner).find(([name]) => name === String(key))?.[1]
        : undefined,
    value,
  );
}
