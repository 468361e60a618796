import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const runner = fileURLToPath(new URL("../../setup/run.mjs", import.meta.url));

// A project of the real shape whose one package lies beside it, so that npm installs it without any registry.
describe("setup/run.mjs", () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-run-"));
  const project = join(folder, "project");
  const marker = join(project, "node_modules", "marker");

  beforeEach(() => {
    rmSync(project, { recursive: true, force: true });
    write("tsx/package.json", { name: "tsx", version: "1.0.0", type: "module", exports: "./index.js" });
    writeFileSync(join(project, "tsx/index.js"), "");
    declare("1.0.0");
    mkdirSync(join(project, "setup"));
    cpSync(runner, join(project, "setup/run.mjs"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, content: unknown): void {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), JSON.stringify(content));
  }

  function declare(version: string): void {
    const dependencies = { tsx: "file:tsx" };
    write("package.json", { name: "project", version, dependencies });
    write("package-lock.json", {
      name: "project",
      version,
      lockfileVersion: 3,
      packages: {
        "": { name: "project", version, dependencies },
        "node_modules/tsx": { resolved: "tsx", link: true },
        tsx: { version },
      },
    });
    write("tsx/package.json", { name: "tsx", version, type: "module", exports: "./index.js" });
  }

  // Without a .ts file of that name node ends with its own error: what counts here is what happened before.
  function run(target = "test") {
    return spawnSync(process.execPath, [join(project, "setup/run.mjs"), target], { encoding: "utf8" });
  }

  it("installs the packages when there are none", () => {
    run();
    assert.ok(existsSync(join(project, "node_modules/tsx/index.js")));
  });

  it("leaves packages alone that are what the lockfile asks for", () => {
    run();
    writeFileSync(marker, "");
    run();
    assert.ok(existsSync(marker), "node_modules was made anew");
  });

  it("installs anew when the lockfile has changed", () => {
    run();
    writeFileSync(marker, "");
    declare("2.0.0");
    run();
    assert.ok(!existsSync(marker), "node_modules was left as it was");
  });

  it("shows npm's own words when it fails", () => {
    write("package.json", { name: "project", version: "1.0.0", dependencies: { tsx: "file:elsewhere" } });
    const { status, stderr } = run();
    assert.notEqual(status, 0);
    assert.match(stderr, /EUSAGE/);
    assert.match(stderr, /npm ci/);
  });

  it("refuses a target it doesn't know, before anything is installed", () => {
    const { status, stderr } = run("deploy");
    assert.equal(status, 3);
    assert.match(stderr, /demo\|test/);
    assert.ok(!existsSync(join(project, "node_modules")));
  });
});
