import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planPackages } from "../../../setup/computer/packages.ts";

const bare = {
  system: "debian",
  codename: "bookworm",
  root: true,
  engine: "absent",
  commands: new Set(["apt-get"]),
  venv: false,
} as const;
const everything = { engine: true, compose: true, python: true };

describe("the plan of what to install", () => {
  it("is all there is to install on a bare computer, in one go", () => {
    assert.deepEqual(planPackages(bare, everything), {
      wanted: ["docker.io", "iptables", "python3-venv"],
      optional: ["docker-cli"],
    });
  });

  it("is nothing where everything is there", () => {
    const computer = {
      ...bare,
      engine: "answers",
      commands: new Set(["docker", "iptables"]),
      venv: true,
    } as const;
    assert.deepEqual(planPackages(computer, everything), { wanted: [], optional: [] });
  });

  it("leaves an engine alone that is installed, in use elsewhere or out of reach", () => {
    for (const engine of ["stopped", "elsewhere", "denied", "answers"] as const) {
      assert.ok(!planPackages({ ...bare, engine }, everything).wanted.includes("docker.io"), engine);
    }
  });

  it("has no engine in it when none is needed", () => {
    const needs = { ...everything, engine: false };
    assert.deepEqual(planPackages(bare, needs), { wanted: ["python3-venv"], optional: [] });
  });

  it("is nothing for anybody but root, and on any other system", () => {
    const nothing = { wanted: [], optional: [] };
    assert.deepEqual(planPackages({ ...bare, root: false }, everything), nothing);
    assert.deepEqual(planPackages({ ...bare, system: "fedora" }, everything), nothing);
  });

  it("is the same on Ubuntu", () => {
    assert.deepEqual(planPackages({ ...bare, system: "ubuntu" }, everything), planPackages(bare, everything));
  });
});
