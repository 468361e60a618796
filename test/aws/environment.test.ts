import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import { checkEnvironment } from "../../lib/aws/environment.ts";
import { runScript } from "../commands/command-line.ts";

const folder = await mkdtemp(join(tmpdir(), "berth-environment-"));
after(() => rm(folder, { recursive: true, force: true }));

const check = (usesEndpoints = true) => checkEnvironment({ usesEndpoints });

describe("the SDK's variables", () => {
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  });

  for (const [name, value] of [
    ["AWS_ENDPOINT_URL", "nonsense"],
    ["AWS_ENDPOINT_URL", "localhost:4566"],
    ["AWS_ENDPOINT_URL_STS", "127.0.0.1"],
    ["AWS_ENDPOINT_URL_S3", "foo bar"],
    ["AWS_DEFAULTS_MODE", "fast"],
    ["AWS_CONFIG_FILE", folder],
    ["AWS_SHARED_CREDENTIALS_FILE", folder],
  ] as const) {
    it(`are refused by name: ${name}=${value.replace(folder, "a folder")}`, () => {
      process.env[name] = value;
      assert.throws(() => check(), {
        code: "BadEnvironment",
        exitCode: 3,
        message: new RegExp(`^the variable ${name} is set to "${value}", which is`),
        hint: new RegExp(`unset ${name}`),
      });
    });
  }

  it("are as the SDK takes them", () => {
    check();
    for (const mode of ["auto", "standard", "Legacy", ""]) {
      process.env["AWS_DEFAULTS_MODE"] = mode;
      check();
    }
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: "",
      AWS_ENDPOINT_URL_S3: "http://[::1]:9000/path",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "absent"),
    });
    check();
  });

  it("may name no endpoint where the endpoints come from elsewhere", () => {
    process.env["AWS_ENDPOINT_URL"] = "localhost:4566";
    check(false);
  });

  it("are no endpoint while they are empty: AWS has a host for each bucket", () => {
    Object.assign(process.env, { AWS_ENDPOINT_URL: "", AWS_ENDPOINT_URL_S3: "" });
    assert.equal(createClients({ region: "eu-central-1" }).s3.config.forcePathStyle, false);
    process.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9000";
    assert.equal(createClients({ region: "eu-central-1" }).s3.config.forcePathStyle, true);
  });
});

it("a command names the variable, and ends with 3", async () => {
  const env = { AWS_ENDPOINT_URL: "localhost:4566", BERTH_HOME: folder };
  const run = await runScript("provision/plan.ts", [], { env });

  assert.equal(run.exitCode, 3, run.stderr);
  assert.match(run.stderr, /BadEnvironment.*AWS_ENDPOINT_URL is set to "localhost:4566"/s);
});
