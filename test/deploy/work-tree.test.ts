import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { execa } from "execa";
import { lookAtWorkTree } from "../../lib/deploy/work-tree.ts";
import { sourceText } from "../../lib/report/head-lines.ts";

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
    assert.equal(sourceText({ commit, uncommitted: [] }), `git commit ${commit.slice(0, 12)}, clean`);
    assert.equal(sourceText({}), "in no Git repository");
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
      sourceText({ commit, uncommitted: ["a", "b", "c", "d"] }),
      `git commit ${commit.slice(0, 12)}, with changes that aren't committed: a, b, c and 1 more`,
    );
  });

  it("is only looked at: nothing is written, and no program of the repository is started", async () => {
    const proof = join(folder, "proof");
    await git("config", "core.fsmonitor", `touch ${proof}; false`);
    const index = await readFile(join(folder, ".git/index"));
    await writeFile(join(folder, "app/a"), "app/a");
    // A time that the index can't have noted: Git would note it.
    await utimes(join(folder, "app/a"), 1_000_000_000, 1_000_000_000);

    await look();

    assert.deepEqual(await readFile(join(folder, ".git/index")), index);
    await assert.rejects(readFile(proof), { code: "ENOENT" });
  });

  it("starts none of its filters, whatever their names are, and none of its remotes' programs", async () => {
    const proof = join(folder, "proof");
    await writeFile(join(folder, ".git/info/attributes"), "a filter=x\nb filter=y.z\n");
    for (const key of ["filter.x.clean", "filter.x.process", "filter.y.z.clean"])
      await git("config", key, `touch ${proof}; cat`);
    await git("config", "filter.x.required", "true");
    for (const name of ["app/a", "app/b"]) await writeFile(join(folder, name), "filtered");

    assert.deepEqual((await look())?.changed.slice(0, 1), ["app/a"]);
    assert.ok(!existsSync(proof), "a filter ran");

    await git("config", "filter.x=y.clean", `touch ${proof}; cat`);
    await writeFile(join(folder, ".git/info/attributes"), "a filter=x=y\n");
    assert.equal(await look(), undefined);
    assert.ok(!existsSync(proof), "a filter ran");
    await git("config", "--remove-section", "filter.x=y");
  });

  it("fetches nothing that is missing from it", async () => {
    const part = await mkdtemp(join(tmpdir(), "berth-partial-"));
    try {
      const proof = join(part, "proof");
      const run = (...args: readonly string[]) => execa("git", ["-C", part, ...args]);
      await run("clone", "--quiet", "--no-local", folder, "clone");
      const clone = join(part, "clone");
      const settings = {
        "extensions.partialClone": "origin",
        "core.repositoryformatversion": "1",
        "remote.origin.promisor": "true",
        "remote.origin.url": `ext::touch ${proof}`,
        "protocol.ext.allow": "always",
      };
      for (const [key, value] of Object.entries(settings)) await run("-C", "clone", "config", key, value);
      await rm(join(clone, ".git/objects"), { recursive: true });
      await mkdir(join(clone, ".git/objects"));

      assert.equal(await lookAtWorkTree(clone), undefined);
      assert.ok(!existsSync(proof), "a remote's program ran");
    } finally {
      await rm(part, { recursive: true });
    }
  });

  it("tells of a submodule that has changed, and starts nothing that the submodule names", async () => {
    const outer = await mkdtemp(join(tmpdir(), "berth-outer-"));
    try {
      const proof = join(outer, "proof");
      const inner = join(outer, "app/inner");
      const run = (...args: readonly string[]) =>
        execa("git", ["-C", outer, "-c", "user.name=Ann", "-c", "user.email=ann@example.test", ...args]);
      await run("init", "--quiet");
      await run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", folder, "app/inner");
      await run("commit", "--quiet", "--message=first");
      assert.deepEqual((await lookAtWorkTree(join(outer, "app")))?.changed, []);

      await writeFile(join(outer, ".git/modules/app/inner/info/attributes"), "* filter=x\n");
      await execa("git", ["-C", inner, "config", "filter.x.clean", `touch ${proof}; cat`]);
      await writeFile(join(inner, "other"), "OTHER");

      assert.deepEqual((await lookAtWorkTree(join(outer, "app")))?.changed, ["app/inner"]);
      assert.ok(!existsSync(proof), "a submodule's filter ran");

      // Not checked out: an empty folder, or a link to the folder itself, is no repository of its own.
      await rm(inner, { recursive: true });
      await mkdir(inner);
      await writeFile(join(outer, "app/new"), "");
      assert.deepEqual((await lookAtWorkTree(join(outer, "app")))?.changed, ["app/new"]);
      await rm(inner, { recursive: true });
      await symlink(".", inner);
      assert.deepEqual((await lookAtWorkTree(join(outer, "app")))?.changed, ["app/inner", "app/new"]);
    } finally {
      await rm(outer, { recursive: true });
    }
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
