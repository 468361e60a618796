import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../../lib/paths.ts";
import { baseImages, imagesOf, isMissing } from "../../../setup/images/base-images.ts";

/** Every image that a Dockerfile or compose file of the repository starts from. */
function imagesInUse(): Set<string> {
  const found = new Set<string>();
  for (const folder of ["dockerfiles", "compose", "lib", "test/apps"]) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((path) => /(Dockerfile|\.ya?ml)$/.test(path))) {
      const text = readFileSync(join(root, folder, name), "utf8");
      for (const [, image] of text.matchAll(/^(?:FROM|\s+image:)\s+([a-z0-9.-]+:[\w.-]+)/gm)) {
        if (image !== undefined && !image.startsWith("berth-")) found.add(image);
      }
    }
  }
  return found;
}

describe("the list of base images", () => {
  it("has every image that the repository starts from, and no other", () => {
    assert.deepEqual(new Set(baseImages.map(({ tag }) => tag)), imagesInUse());
  });

  it("has only what the demo uses for the demo", () => {
    assert.deepEqual(
      imagesOf("demo").map(({ tag }) => tag),
      ["debian:trixie-slim", "golang:1.27-trixie"],
    );
  });
});

describe("an image", () => {
  it("is missing when the engine hasn't got it", () => assert.equal(isMissing(undefined, "a"), true));
  it("of a registry stays", () => assert.equal(isMissing("", "a"), false));
  it("made by this recipe stays", () => assert.equal(isMissing("a", "a"), false));
  it("made by an older recipe is made again", () => assert.equal(isMissing("b", "a"), true));
});
