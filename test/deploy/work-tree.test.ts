import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { execa } from "execa";
import { lookAtWorkTree, workTreeText } from "../../lib/deploy/work-tree.ts";

describe("the work tree of a source", () => {
  let folder: string;
  let commit: string;

  async function git(...args: readonly string[]): Promise<string> {
    const identity = [
      "-c",
      "user.name=Ann",
      "-c",
      "user.email=ann@example.test",
      "-c",
      "commit.gpgsign=false",
    ];
    const { stdout } = await execa("git", ["-C", folder, ...identity, ...args]);
    return stdout.trim();
  }

  const look = async () => lookAtWorkTree(join(folder, "app"));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-work-tree-"));
    await mkdir(join(folder, "app"));
    for (const name of ["app/a", "app/b", "other"]) await writeFile(join(folder, name), name);
    await git("init", "--quiet");
    await git("add", ".");
    await git("commit", "--quiet", "--no-verify", "--message=first");
    commit = await git("rev-parse", "HEAD");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("is told by its commit, and clean whatever changes elsewhere", async () => {
    await writeFile(join(folder, "other"), "changed");

    assert.deepEqual(await look(), { commit, changed: [] });
    assert.equal(workTreeText({ commit, changed: [] }), `source: git commit ${commit.slice(0, 12)}, clean`);
  });

  it("is clean whatever Berth itself writes into it", async () => {
    await mkdir(join(folder, "app/.berth/unsaved"), { recursive: true });
    await mkdir(join(folder, "app/ops/state"), { recursive: true });
    for (const name of ["app/.berth/unsaved/a", "app/ops/state/b"]) await writeFile(join(folder, name), "");

    const tree = await lookAtWorkTree(join(folder, "app"), [join(folder, "app/ops/state"), "/elsewhere"]);

    assert.deepEqual(tree, { commit, changed: [] });
    await rm(join(folder, "app/ops"), { recursive: true });
  });

  it("names what isn't committed: changed, renamed, unknown to Git, by any name", async () => {
    await writeFile(join(folder, "app/a"), "changed");
    await git("mv", "app/b", "app/c d");
    await writeFile(join(folder, "app/é new\n1"), "");

    assert.deepEqual(await look(), { commit, changed: ["app/a", "app/c d", "app/é new\n1"] });
    assert.equal(
      workTreeText({ commit, changed: ["a", "b", "c", "d"] }),
      `source: git commit ${commit.slice(0, 12)}, with changes that aren't committed: a, b, c and 1 more`,
    );
  });

  it("is only looked at: nothing is written, and no program of the repository is started", async () => {
    const proof = join(folder, "proof");
    await git("config", "core.fsmonitor", `touch ${proof}; false`);
    const index = await readFile(join(folder, ".git/index"));
    await writeFile(join(folder, "app/a"), "app/a");

    await look();

    assert.deepEqual(await readFile(join(folder, ".git/index")), index);
    await assert.rejects(readFile(proof), { code: "ENOENT" });
  });

  it("is the source's own, also in a hook of another repository", async () => {
    process.env["GIT_DIR"] = "/nowhere";
    try {
      assert.equal((await look())?.commit, commit);
    } finally {
      delete process.env["GIT_DIR"];
    }
  });

  it("is none in a folder of its own, and before the first commit", async () => {
    const alone = await mkdtemp(join(tmpdir(), "berth-alone-"));
    try {
      assert.equal(await lookAtWorkTree(alone), undefined);
      await execa("git", ["-C", alone, "init", "--quiet"]);
      assert.equal(await lookAtWorkTree(alone), undefined);
    } finally {
      await rm(alone, { recursive: true });
    }
  });
});
