import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { access, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fromRoot, root } from "../lib/paths.ts";
import { bundle, bundled } from "../setup/compile/bundle.ts";
import { run } from "../setup/child-process.ts";

const rooms = ["bench", "compose", "lib", "provision", "setup", "state", "teardown", "test"];
/** What is compiled lies elsewhere, so that these lead to another place than in the source. */
const ownPlace = /import\.meta\.(?:url|dirname|filename)/;

describe("the paths of the repository", () => {
  it("lead to its files", async () => {
    await access(fromRoot("package.json"));
    await access(fromRoot("lib/paths.ts"));
  });

  it("are the same in what was compiled, wherever that lies", async () => {
    const directory = await mkdtemp(join(tmpdir(), "berth-paths-"));
    try {
      await bundle(["lib/paths.ts"], directory);
      const compiled = JSON.stringify(bundled("lib/paths.ts", directory));
      const script = `console.log((await import(${compiled})).root)`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script]);
      assert.equal(stdout, `${root}\n`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it("lead to what is there, but for what is made on this computer", async () => {
    const sources = await listSources();
    const paths = sources.flatMap(({ text }) =>
      [...text.matchAll(/\bfromRoot\("([^"]+)"\)/g)].map(([, path = ""]) => path),
    );
    const kept = paths.filter((path) => !path.startsWith(".berth"));
    assert.ok(kept.length > 10);
    assert.deepEqual(
      kept.filter((path) => !existsSync(fromRoot(path))),
      [],
    );
  });

  it("are asked of lib/paths.ts alone", async () => {
    const sources = await listSources();
    const asking = sources.filter(({ text }) => ownPlace.test(text)).map(({ name }) => name);
    assert.deepEqual(asking.toSorted(), [
      "lib/paths.ts",
      // Of the compiled file itself: packages written in CommonJS ask for it.
      "setup/compile/bundle.ts",
    ]);
  });
});

async function listSources(): Promise<{ readonly name: string; readonly text: string }[]> {
  const names = await Promise.all(
    rooms.map(async (room) =>
      (await readdir(fromRoot(room), { recursive: true })).map((name) => join(room, name)),
    ),
  );
  const sources = names.flat().filter((name) => name.endsWith(".ts"));
  return Promise.all(sources.map(async (name) => ({ name, text: await readFile(fromRoot(name), "utf8") })));
}
