import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { connectDocker } from "../../lib/docker/connection.ts";
import { writeSourceFolder } from "./source-folder.ts";

const names = ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"] as const;

describe("the way to the engine", () => {
  const before = new Map<string, string | undefined>();
  beforeEach(() => {
    for (const name of names) {
      before.set(name, process.env[name]);
      delete process.env[name];
    }
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  it("is DOCKER_HOST's, and says so with what to do when nobody is there", async () => {
    process.env["DOCKER_HOST"] = "unix:///nonexistent/docker.sock";
    await assert.rejects(connectDocker(), {
      code: "NoDockerEngine",
      message: /\/nonexistent\/docker\.sock/,
      hint: /apt-get install docker\.io/,
    });

    process.env["DOCKER_HOST"] = "tcp://127.0.0.1:1";
    await assert.rejects(connectDocker(), { code: "NoDockerEngine", hint: /systemctl start docker/ });
  });

  it("is the chosen context's, when DOCKER_HOST is silent", async () => {
    const id = createHash("sha256").update("elsewhere").digest("hex");
    await using config = await writeSourceFolder({
      "config.json": JSON.stringify({ currentContext: "elsewhere" }),
      [`contexts/meta/${id}/meta.json`]: JSON.stringify({
        Endpoints: { docker: { Host: "unix:///nonexistent/elsewhere.sock" } },
      }),
    });
    process.env["DOCKER_CONFIG"] = config.path;

    await assert.rejects(connectDocker(), {
      code: "NoDockerEngine",
      message: /\/nonexistent\/elsewhere\.sock/,
    });
  });
});
