import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { createClients } from "../../lib/aws/clients.ts";
import { explainCredentials } from "../../lib/aws/credentials.ts";
import { explainAwsError } from "../../lib/aws/explanation.ts";
import { BerthError } from "../../lib/errors.ts";

// The SDK's own chain reads the files of a home, as a user has them. Nothing here needs a network.
const home = await mkdtemp(join(tmpdir(), "berth-credentials-"));
after(() => rm(home, { recursive: true, force: true }));
const identityCenter = ["sso_account_id = 123456789012", "sso_role_name = deployer"];
const start = ["sso_start_url = https://corp.awsapps.com/start", "sso_region = eu-central-1"];
const profiles = {
  "profile never": ["sso_session = corp", ...identityCenter],
  "profile expired": ["sso_session = old", ...identityCenter],
  "sso-session corp": start,
  "sso-session old": start,
  "profile legacy": [...start, ...identityCenter],
  "profile console": ["login_session = arn:aws:iam::123456789012:user/ann", "region = eu-central-1"],
  "profile mfa": [
    "role_arn = arn:aws:iam::123456789012:role/deployer",
    "source_profile = keys",
    "mfa_serial = arn:aws:iam::123456789012:mfa/ann",
  ],
  "profile tool": ["credential_process = /bin/sh -c 'echo no token for ann >&2; exit 3'"],
  "profile prose": ["credential_process = echo hello"],
  "profile web": ["role_arn = arn:aws:iam::123456789012:role/x", `web_identity_token_file = ${home}/token`],
  "profile empty": ["region = eu-central-1"],
};
const sections = Object.entries(profiles).map(([name, lines]) => [`[${name}]`, ...lines, ""]);
await writeFile(join(home, "config"), sections.flat().join("\n"));
await writeFile(join(home, "credentials"), "[keys]\naws_access_key_id = A\naws_secret_access_key = s\n");
const cache = join(home, ".aws/sso/cache");
await mkdir(cache, { recursive: true });
const cached = createHash("sha1").update("old").digest("hex");
const token = { accessToken: "x", expiresAt: "2020-01-01T00:00:00Z" };
await writeFile(join(cache, `${cached}.json`), JSON.stringify(token));
for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
Object.assign(process.env, {
  HOME: home,
  AWS_CONFIG_FILE: join(home, "config"),
  AWS_SHARED_CREDENTIALS_FILE: join(home, "credentials"),
  AWS_EC2_METADATA_DISABLED: "true",
});

/** What a command says when it asks who calls, with this profile. */
async function told(profile: string | undefined): Promise<BerthError> {
  if (profile === undefined) delete process.env["AWS_PROFILE"];
  else process.env["AWS_PROFILE"] = profile;
  const { sts } = createClients({ region: "eu-central-1", maxAttempts: 1 });
  const error: unknown = await sts.send(new GetCallerIdentityCommand({})).catch((cause: unknown) => cause);
  const explained = explainAwsError(await explainCredentials(error), "plan");
  assert.ok(explained instanceof BerthError, String(error));
  return explained;
}

describe("credentials", () => {
  for (const profile of ["never", "expired", "legacy"]) {
    it(`of Identity Center that are not there or no longer valid name the sign-in: ${profile}`, async () => {
      const { code, message, hint } = await told(profile);

      assert.equal(code, "SignedOut");
      assert.match(message, new RegExp(`profile ${profile} is not signed in, or its session has expired`));
      assert.match(hint ?? "", new RegExp(`run \`aws sso login --profile ${profile}\``));
    });
  }

  it("of a console session that isn't there name that sign-in", async () => {
    const { code, hint } = await told("console");

    assert.deepEqual([code, /`aws login --profile console`/.test(hint ?? "")], ["SignedOut", true]);
  });

  it("that need an MFA code name the command that asks for it", async () => {
    const { code, message, hint } = await told("mfa");

    assert.equal(code, "MfaCodeMissing");
    assert.match(message, /profile mfa needs a code of its MFA device/);
    assert.match(hint ?? "", /aws configure export-credentials --profile mfa --format env/);
  });

  it("that a process should give say what the process said", async () => {
    const { code, message, hint, detail } = await told("tool");

    assert.equal(code, "CredentialProcessFailed");
    assert.match(message, /credential_process of profile tool gave no credentials/);
    assert.ok(detail.includes("no token for ann"), detail.join("\n"));
    assert.match(hint ?? "", /aws sts get-caller-identity --profile tool/);
  });

  it("that a process gives in another form say so, without what it gave", async () => {
    const { code, message, detail } = await told("prose");

    assert.deepEqual([code, detail], ["CredentialProcessFailed", []]);
    assert.match(message, /credential_process returned invalid JSON/);
    assert.doesNotMatch(message, /hello/);
  });

  it("of a profile that doesn't exist name it and those that exist", async () => {
    const { code, message, hint } = await told("nobody");

    assert.equal(code, "UnknownProfile");
    assert.match(
      message,
      /the profile nobody, .*: there are console, empty, expired, keys, legacy, mfa, never, prose, tool, web$/,
    );
    assert.match(hint ?? "", /aws configure list-profiles/);
  });

  it("from a web identity's token name the file that isn't there", async () => {
    const { code, message } = await told("web");

    assert.equal(code, "NoCredentials");
    assert.ok(message.includes(join(home, "token")), message);
  });

  it("of which there are none at all are none, with the SDK's own words", async () => {
    for (const [profile, tried] of [
      ["empty", "profile empty (from AWS_PROFILE)"],
      [undefined, "profile default"],
    ] as const) {
      const { code, message, hint, detail } = await told(profile);

      assert.equal(code, "NoCredentials");
      assert.match(message, new RegExp(`${tried.replaceAll(/[()]/g, ".")} gives none$`));
      assert.match(hint ?? "", /--local/);
      assert.match(detail.join(), /Could not load credentials from any providers/);
    }
  });
});

it("an error that isn't about credentials stays as it is", async () => {
  const error = new TypeError("a bug");

  assert.equal(await explainCredentials(error), error);
});
