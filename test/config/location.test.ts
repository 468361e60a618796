import assert from "node:assert/strict";
import { chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { loadConfig } from "../../lib/config/load.ts";
import { findConfig } from "../../lib/config/location.ts";
import { BerthError } from "../../lib/errors.ts";

const root = await mkdtemp(join(tmpdir(), "berth-location-"));
after(() => rm(root, { recursive: true, force: true }));
const [shop, deep] = [join(root, "shop"), join(root, "shop/app/src")];
await mkdir(deep, { recursive: true });
await writeFile(join(shop, "berth.yaml"), "");

describe("the configuration file", () => {
  it("is the one in the folder itself", async () => {
    assert.equal(await findConfig(shop), join(shop, "berth.yaml"));
  });

  it("is the nearest one above", async () => {
    assert.equal(await findConfig(deep), join(shop, "berth.yaml"));
    await mkdir(join(shop, "app/berth.yaml"));
    assert.equal(await findConfig(deep), join(shop, "berth.yaml"), "a folder was taken for a file");
  });

  it("is said to be nowhere, with where it was looked for and a whole one", async () => {
    await assert.rejects(findConfig(root), (error: unknown) => {
      assert.ok(error instanceof BerthError);
      assert.equal(error.message, `there is no berth.yaml in ${root}, nor in a folder above it`);
      assert.equal(error.detail[0], "stack: hello");
      assert.deepEqual([error.code, error.exitCode], ["NoConfiguration", 3]);
      return true;
    });
  });

  for (const name of ["berth.yml", "Berth.yaml", ".berth.yaml", "BERTH.YML", "berth.json"]) {
    it(`is probably ${name}, if that lies there`, async () => {
      const folder = await mkdtemp(join(root, "near-"));
      await writeFile(join(folder, name), "");

      await assert.rejects(findConfig(folder), {
        code: "NoConfiguration",
        message: `there is no berth.yaml in ${folder}, nor in a folder above it; ${name} lies beside it`,
        hint: `rename ${name} to berth.yaml, or name it: --config ${join(folder, name)}`,
      });
    });
  }

  it("is not a folder, nor a file of another name", async () => {
    const folder = await mkdtemp(join(root, "far-"));
    await mkdir(join(folder, "berth.yml"));
    for (const name of ["berth.md", "berths.yaml", "my-berth.yaml"]) await writeFile(join(folder, name), "");

    await assert.rejects(findConfig(folder), { hint: /^write one/ });
  });

  it("that --config names may be meant with the other ending", async () => {
    const file = join(shop, "berth.yml");
    await assert.rejects(loadConfig(file), {
      message: `there is no configuration file ${file}; berth.yaml lies beside it`,
      hint: `rename berth.yaml to berth.yml, or name it: --config ${join(shop, "berth.yaml")}`,
    });
    await assert.rejects(loadConfig(deep), {
      message: `can't read the configuration file ${deep}: it is a folder`,
    });
  });

  it(
    "is never somebody else's above, which is named",
    { skip: process.geteuid?.() !== 0 && "only root can give a file away" },
    async () => {
      const theirs = join(root, "berth.yaml");
      await writeFile(theirs, "");
      await chown(theirs, 12_345, 12_345);
      const sub = join(root, "sub");
      await mkdir(sub);

      await assert.rejects(findConfig(sub), {
        code: "NoConfiguration",
        hint: new RegExp(`--config ${theirs}$`),
      });
      assert.equal(await findConfig(root), theirs, "the user stands beside it");
    },
  );
});
