import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { describe, test } from "node:test";
import { readComposeFile, readSource } from "../../compose/compose-file.ts";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { planOwnCluster } from "../../compose/own-cluster.ts";
import { asTable } from "../../compose/resolved-file.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { BerthError } from "../../lib/errors.ts";
import { writeCase } from "./case.ts";
import { composePath } from "./variant.ts";

const tool = await findComposeTool();
const read = async (path: string, environment: NodeJS.ProcessEnv = process.env) =>
  readComposeFile(await readSource(path), { tool, environment });

const sixteen = Array.from(
  { length: 17 },
  (_, at) => `  s${at}: {<<: *base, environment: {<<: *env, N: '${at}'}}`,
);
const cases: readonly {
  readonly what: string;
  readonly text: string;
  readonly others?: Record<string, string>;
  /** Services, each with its networks and what it depends on. */
  readonly expected: Record<string, string>;
  readonly onlyVersion2?: boolean;
}[] = [
  {
    what: "many aliases",
    text: `x-env: &env {A: "1"}\nx-base: &base\n  image: a\n  environment: {<<: *env}\nservices:\n${sixteen.join("\n")}\n`,
    expected: Object.fromEntries(sixteen.map((_, at) => [`s${at}`, "default"])),
  },
  {
    what: "extends",
    text: "services:\n  base: {image: a, networks: [back]}\n  web: {extends: {service: base}}\nnetworks: {back: {}}\n",
    expected: { base: "back", web: "back" },
  },
  {
    what: "include",
    text: "include: [db.yml]\nservices: {web: {image: a, depends_on: [db]}}\n",
    others: { "db.yml": "services: {db: {image: a}}\n" },
    expected: { db: "default", web: "default db:service_started" },
    onlyVersion2: true,
  },
  {
    what: "profiles that are off",
    text: "services: {web: {image: a}, debug: {image: a, profiles: [debug]}}\n",
    expected: { web: "default" },
  },
  {
    what: "no container of a service",
    text: "services: {web: {image: a, depends_on: [spare]}, spare: {image: a, deploy: {replicas: 0}}, none: {image: a, scale: 0}}\n",
    expected: { web: "default" },
  },
  {
    what: "conditions, a foreign network namespace and variables",
    text: "services:\n  web: {image: '${IMAGE:-a}', depends_on: {db: {condition: service_healthy}}}\n  db: {image: a, network_mode: none}\n",
    expected: { web: "default db:service_healthy", db: "" },
  },
];

describe("a file is read as Compose reads it", () => {
  for (const { what, text, others = {}, expected, onlyVersion2 } of cases) {
    const skip = onlyVersion2 === true && tool.major === 1 ? "Compose 1 can't" : false;
    test(what, { skip }, async () => {
      await using file = await writeCase(text, others);
      const { services } = await read(file.path);
      const seen = [...services.values()].map(({ name, networks, dependsOn }) => [
        name,
        [...networks, ...[...dependsOn].map((pair) => pair.join(":"))].join(" "),
      ]);
      assert.deepEqual(Object.fromEntries(seen), expected);
    });
  }

  test("profiles that are on", async () => {
    await using file = await writeCase(
      "services: {web: {image: a}, debug: {image: a, profiles: [debug]}, other: {image: a, profiles: [b]}}\n",
    );
    const { services } = await read(file.path, { ...process.env, COMPOSE_PROFILES: "debug" });
    assert.deepEqual([...services.keys()].toSorted(), ["debug", "web"]);
  });

  test("profiles that .env turns on", async () => {
    await using file = await writeCase(
      "services: {web: {image: a}, debug: {image: a, profiles: [debug]}, other: {image: a, profiles: [b]}}\n",
      { ".env": "COMPOSE_PROFILES=debug\n" },
    );
    const { COMPOSE_PROFILES: _, ...environment } = process.env;
    const { services } = await read(file.path, environment);
    assert.deepEqual([...services.keys()].toSorted(), ["debug", "web"]);
    const named = await read(file.path, { ...environment, COMPOSE_PROFILES: "b" });
    assert.deepEqual([...named.services.keys()].toSorted(), ["other", "web"]);
  });

  test("what may be missing, and is", { skip: tool.major === 1 ? "Compose 1 can't" : false }, async () => {
    await using file = await writeCase(
      "services:\n  web:\n    image: a\n    env_file: [{path: absent.env, required: false}]\n    depends_on: {debug: {condition: service_started, required: false}}\n  debug: {image: a, profiles: [debug]}\n",
    );
    const { services } = await read(file.path);
    assert.deepEqual(
      [...services.values()].map(({ name, dependsOn }) => [name, dependsOn.size]),
      [["web", 0]],
    );
  });

  test("the user's variables: .env, and the environment before it", async () => {
    const names = ["PUBLIC_SCHEME", "BIND_ADDRESS", "DJANGO_ADMIN"];
    const written = names.map((name) => `${name}: "$${name}"`).join(", ");
    await using file = await writeCase(`services: {web: {image: a, environment: {${written}}}}\n`, {
      ".env": "PUBLIC_SCHEME=https\nBIND_ADDRESS=0.0.0.0\nDJANGO_ADMIN=1\n",
    });
    process.env["DJANGO_ADMIN"] = "2";
    try {
      const { signal } = new AbortController();
      const parts = { docker: await connectDocker(), tool, signal, timeoutMs: 1 };
      const { isolated, folder } = await planOwnCluster(await readSource(file.path), parts);
      await rm(folder, { recursive: true });
      assert.deepEqual(asTable(asTable(isolated.content["services"])["web"])["environment"], {
        PUBLIC_SCHEME: "https",
        BIND_ADDRESS: "0.0.0.0",
        DJANGO_ADMIN: "2",
      });
    } finally {
      delete process.env["DJANGO_ADMIN"];
    }
  });

  test("ports are those of the containers, each with its protocol", async () => {
    await using file = await writeCase(
      "services:\n  udp: {image: a, ports: ['127.0.0.1:18125:8125/udp']}\n  both: {image: a, ports: ['53:53/udp', '80'], expose: ['9000', '70/udp']}\n",
    );
    const { services } = await read(file.path);
    assert.deepEqual(services.get("udp")?.published, [{ target: 8125, protocol: "udp" }]);
    assert.deepEqual(services.get("both")?.published, [
      { target: 53, protocol: "udp" },
      { target: 80, protocol: "tcp" },
    ]);
    assert.deepEqual(services.get("both")?.exposed, [
      { target: 9000, protocol: "tcp" },
      { target: 70, protocol: "udp" },
    ]);
  });

  test("the project's name is the one that Compose would give it", async () => {
    assert.equal((await read(composePath)).defaultProject, "berth-django");
    await using named = await writeCase("name: shop\nservices: {web: {image: a}}\n");
    if (tool.major > 1) assert.equal((await read(named.path)).defaultProject, "shop");
    await using file = await writeCase("services: {web: {image: a}}\n", {
      ".env": "COMPOSE_PROJECT_NAME=store\n",
    });
    assert.equal((await read(file.path)).defaultProject, "store");
  });
});

describe("a file that Compose can't read is refused in Compose's words", () => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["ports that are no list", "services: {web: {image: a, ports: 80}}\n", /ports/],
    ["a dependency that isn't there", "services: {web: {image: a, depends_on: [db]}}\n", /db/],
    [
      "a part that nobody plays",
      "x-smoke: {edge: e, app: a, database: a, migrations: a}\nservices: {a: {image: a}}\n",
      /x-smoke\.edge: there is no service e/,
    ],
  ];
  for (const [what, text, expected] of wrong) {
    test(what, async () => {
      await using file = await writeCase(text);
      await assert.rejects(read(file.path), (error) => {
        assert.ok(error instanceof BerthError);
        assert.equal(error.code, "BadComposeFile");
        assert.equal(error.exitCode, 3);
        assert.match(error.detail.join("\n"), expected);
        return true;
      });
    });
  }
});
