import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requirePlugin } from "../../lib/deploy/session-plugin.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-plugin-"));
const path = process.env["PATH"];
after(async () => {
  process.env["PATH"] = path;
  await rm(directory, { recursive: true, force: true });
});

/** Has only this plugin on the PATH: one that says this of its version. */
async function install(said: string): Promise<void> {
  const bin = join(directory, Buffer.from(said).toString("hex"));
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "session-manager-plugin"), `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
  process.env["PATH"] = bin;
}

describe("the plugin of Session Manager", () => {
  for (const version of ["1.2.497.1", "1.2.536.0", "1.2.1000.0", "1.3", "1.3.0.0", "2.0.0.0"])
    it(`is taken in version ${version}`, async () => {
      await install(version);
      await requirePlugin();
    });

  for (const [version, text] of [
    ["1.2.497.0", /is version 1\.2\.497\.0, and would show the session's token to all users here/],
    ["1.2.497", /is version 1\.2\.497,/],
    ["1.2.54.0", /is version 1\.2\.54\.0/],
    ["0.9.9999.0", /is version 0\.9\.9999\.0/],
    ["what", /doesn't say its version, but "what"/],
    ["", /doesn't say its version, but ""/],
  ] as const)
    it(`is refused if it says "${version}"`, async () => {
      await install(version);
      await assert.rejects(requirePlugin(), { code: "NoSessionPlugin", message: text });
    });

  it("is named with AWS's page about its installation if it is missing", async () => {
    process.env["PATH"] = join(directory, "nowhere");
    await assert.rejects(requirePlugin(), {
      code: "NoSessionPlugin",
      message: /isn't on the PATH/,
      hint: /https:\/\/docs\.aws\.amazon\.com\/\S+session-manager-working-with-install-plugin\.html/,
    });
  });
});
