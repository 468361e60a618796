import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { execa } from "execa";
import { hideSecrets, readSecrets } from "../../lib/docker/build-secrets.ts";
import { writeSourceFolder } from "./source-folder.ts";

describe("the secrets of a build", () => {
  it("are read as they are, from the environment and from files", async () => {
    await using folder = await writeSourceFolder({ a: "one\ntwo\n", large: "x".repeat(500 * 1024) });
    process.env["BERTH_TEST_EMPTY"] = "";

    const values = await readSecrets({
      a: { file: join(folder.path, "a") },
      large: { file: join(folder.path, "large") },
      empty: { env: "BERTH_TEST_EMPTY" },
    });

    assert.equal(values.get("a")?.toString(), "one\ntwo\n");
    assert.equal(values.get("large")?.length, 500 * 1024);
    assert.equal(values.get("empty")?.length, 0);
  });

  it("are refused when BuildKit would not take them", async () => {
    await using folder = await writeSourceFolder({ large: "x".repeat(500 * 1024 + 1) });

    await assert.rejects(readSecrets({ large: { file: join(folder.path, "large") } }), {
      code: "BuildSecretMissing",
      exitCode: 3,
      message: "the build's secret large holds more than the 512000 bytes that BuildKit takes at most",
    });
  });

  it("are refused where they would never end, or never begin", async () => {
    await using folder = await writeSourceFolder({ a: "" });
    const pipe = join(folder.path, "pipe");
    await execa("mkfifo", [pipe]);

    for (const file of [pipe, "/dev/zero"])
      await assert.rejects(readSecrets({ odd: { file } }), {
        code: "BuildSecretMissing",
        message: "the build's secret odd comes from a file that can't be read: it is no regular file",
      });
  });

  it("are hidden line by line, the longest first, and short ones not at all", () => {
    const secrets = new Map([
      ["a", Buffer.from("token-1\r\nlast\n")],
      ["b", Buffer.from("token-1234")],
      ["c", Buffer.from("abc")],
    ]);

    assert.equal(hideSecrets("x token-1234, token-1 and last: abc", secrets), "x ***, *** and ***: abc");
  });
});
