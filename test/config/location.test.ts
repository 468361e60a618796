import assert from "node:assert/strict";
import { chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { findConfig } from "../../lib/config/location.ts";

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

  it("is expected in the folder itself where there is none", async () => {
    assert.equal(await findConfig(root), join(root, "berth.yaml"));
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
