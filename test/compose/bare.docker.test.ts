import assert from "node:assert/strict";
import { basename } from "node:path";
import { describe, test } from "node:test";
import { execa } from "execa";
import { readComposeFile, readSource } from "../../compose/compose-file.ts";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { readDotEnv } from "../../compose/dot-env.ts";
import { fromRoot, root } from "../../lib/paths.ts";
import { writeCase } from "./case.ts";
import { composeFolder } from "./variant.ts";

const tool = await findComposeTool();
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("COMPOSE_")),
);

/** What Compose makes of its files when it is called in a folder, as a user calls it. */
async function resolveIn(folder: string, ...args: readonly string[]): Promise<string> {
  const [program = "", ...before] = tool.command.split(" ");
  const options = { cwd: folder, env: environment, extendEnv: false };
  return (await execa(program, [...before, ...args, "config"], options)).stdout;
}

describe("a bare docker-compose", () => {
  test("finds the same cluster in the repository's root as in compose/", async () => {
    const inRoot = await resolveIn(root);
    assert.match(inRoot, /postgres:17-trixie/);
    assert.equal(inRoot, await resolveIn(composeFolder));
  });

  test("gives the project the same name in both, with version 1 too, which reads only the folder's own .env", async () => {
    const [inRoot, inCompose] = await Promise.all([root, composeFolder].map(readDotEnv));
    assert.equal(inRoot?.["COMPOSE_PROJECT_NAME"], "berth-django");
    assert.equal(inCompose?.["COMPOSE_PROJECT_NAME"], "berth-django");
    assert.equal(fromRoot(inRoot?.["COMPOSE_FILE"] ?? ""), fromRoot("compose/docker-compose.yml"));
  });

  test("that is given a file elsewhere takes nothing from the root's .env", async () => {
    await using file = await writeCase("services: {web: {image: 'a:${COMPOSE_PROJECT_NAME:-none}'}}\n");
    assert.equal(await resolveIn(root, "-f", file.path), await resolveIn(file.folder));

    const { defaultProject } = await readComposeFile(await readSource(file.path), { tool, environment });
    assert.equal(defaultProject, basename(file.folder).toLowerCase());
  });
});
