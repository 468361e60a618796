import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { readSource } from "../../compose/compose-file.ts";
import { BerthError } from "../../lib/errors.ts";
import { writeCase } from "./case.ts";
import { composePath } from "./variant.ts";

describe("the cluster's own file", () => {
  test("names who plays which part", async () => {
    const { roles } = await readSource(composePath);
    assert.deepEqual(roles, { edge: "nginx", app: "web", database: "db", migrations: "migrate" });
  });

  test("gives the database an internal network only, which nginx isn't on", async () => {
    const { services, networks } = await readRaw();
    assert.deepEqual(services["db"]?.networks, ["data"]);
    assert.equal(networks["data"]?.internal, true);
    assert.ok(!services["nginx"]?.networks?.includes("data"));
  });

  test("publishes nginx alone, on this computer alone", async () => {
    const { services } = await readRaw();
    const publishing = Object.entries(services).filter(([, { ports }]) => ports !== undefined);
    assert.deepEqual(
      publishing.map(([name]) => name),
      ["nginx"],
    );
    assert.match(await readFile(composePath, "utf8"), /\$\{BIND_ADDRESS:-127\.0\.0\.1\}/);
  });

  test("holds no password: the only one is a file that is made on the first start", async () => {
    const { services } = await readRaw();
    const settings = Object.values(services).flatMap(({ environment }) => Object.entries(environment ?? {}));
    const secrets = settings.filter(([name]) => /PASSWORD|SECRET|TOKEN/.test(name));
    assert.deepEqual(secrets, [["POSTGRES_PASSWORD_FILE", "/run/secrets/db_password"]]);
  });

  test("keeps to what Compose 1.29 can read", async () => {
    const text = await readFile(composePath, "utf8");
    for (const key of ["name:", "include:", "start_interval:", "content:", "env_file:", "develop:"]) {
      assert.ok(!text.split("\n").some((line) => line.trim().startsWith(key)), key);
    }
  });
});

describe("a file with something wrong", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["YAML", "services:\n  web:\n   image: a\n  - b\n", /line 4, column 3/],
    ["a part that isn't named", "x-smoke: {edge: e, app: a, database: d}\n", /^x-smoke\.migrations:/],
    [
      "a part that is no name",
      "x-smoke: {edge: [e], app: a, database: d, migrations: m}\n",
      /^x-smoke\.edge:/,
    ],
  ];
  for (const [what, text, expected] of cases) {
    test(`${what} is named`, async () => {
      await using file = await writeCase(text);
      await assert.rejects(readSource(file.path), (error) => {
        assert.ok(error instanceof BerthError);
        assert.equal(error.code, "BadComposeFile");
        assert.equal(error.exitCode, 3);
        assert.ok(
          error.detail.some((line) => expected.test(line)),
          error.detail.join("\n"),
        );
        return true;
      });
    });
  }

  test("a missing file is named", async () => {
    await assert.rejects(readSource("/nowhere/compose.yml"), { code: "BadComposeFile" });
  });
});

interface RawFile {
  readonly services: Record<
    string,
    {
      readonly environment?: Record<string, string>;
      readonly networks?: readonly string[];
      readonly ports?: unknown;
    }
  >;
  readonly networks: Record<string, { readonly internal?: boolean }>;
}

async function readRaw(): Promise<RawFile> {
  const raw: RawFile = parse(await readFile(composePath, "utf8"), { merge: true });
  return raw;
}
