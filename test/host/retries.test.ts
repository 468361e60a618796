import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../setup/child-process.ts";
import { root } from "../../lib/paths.ts";

const hasPerl = (await run("perl", ["-MTest::More", "-e", "1"])).code === 0;

describe("the switch's retries", () => {
  // Perl comes with Debian's git. Where it is missing, edge-retries.docker.test.ts still tries them in nginx.
  it("are decided as they should", { skip: hasPerl ? false : "there is no perl" }, async () => {
    const script = join(root, "test", "host", "retries.pl");
    const { code, lines } = await run("perl", [
      "-w",
      `-I${join(root, "lib/host/agent/usr/local/lib/berth")}`,
      script,
    ]);
    const said = lines.filter((line) => !line.startsWith("ok "));
    assert.equal(code, 0, said.join("\n"));
    assert.deepEqual(said, ["1..65"]);
  });
});
