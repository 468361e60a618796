import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CreateSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { lookupSecretVersions } from "../../lib/aws/secrets.ts";
import { openAccount } from "../resources/account.ts";

const { ctx, stranger, calls } = await openAccount();
const put = (Name: string, Value: string) =>
  stranger.ssm.send(new PutParameterCommand({ Name, Value, Type: "SecureString", Overwrite: true }));

describe("the versions of secrets", () => {
  it("are looked up without reading a value, in one call for all parameters", async () => {
    await put("/shop/database-url", "hunter2");
    await put("/shop/database-url", "hunter3");
    await put("/shop/other", "x");
    const Name = "shop/token";
    const made = await stranger.secretsManager.send(new CreateSecretCommand({ Name, SecretString: "one" }));
    const secrets = {
      DATABASE_URL: "ssm:/shop/database-url",
      TOKEN: `secretsmanager:${Name}`,
      O: "ssm:/shop/other",
    };
    const before = calls.length;

    assert.deepEqual(await lookupSecretVersions(ctx, secrets), {
      DATABASE_URL: "ssm:/shop/database-url:2",
      TOKEN: `secretsmanager:${Name}:${made.VersionId}`,
      O: "ssm:/shop/other:1",
    });
    const operations = calls.slice(before).map(({ operation }) => operation);
    assert.deepEqual(operations.toSorted(), ["DescribeParameters", "DescribeSecret"]);

    const again = await stranger.secretsManager.send(
      new PutSecretValueCommand({ SecretId: Name, SecretString: "two" }),
    );
    const { TOKEN } = await lookupSecretVersions(ctx, secrets);
    assert.equal(TOKEN, `secretsmanager:${Name}:${again.VersionId}`);
  });

  it("take no call where there are no secrets", async () => {
    const before = calls.length;
    assert.deepEqual(await lookupSecretVersions(ctx, {}), {});
    assert.equal(calls.length, before);
  });

  it("of more than one call's names are all found", async () => {
    const secrets = Object.fromEntries(
      Array.from({ length: 60 }, (_none, index) => [`N${index}`, `ssm:/many/${index}`]),
    );
    for (let index = 0; index < 60; index += 1) await put(`/many/${index}`, "x");

    assert.equal((await lookupSecretVersions(ctx, secrets))["N59"], "ssm:/many/59:1");
  });

  for (const [source, text] of [
    ["ssm:/shop/none", "app.secrets.A: there is no parameter /shop/none in SSM of eu-central-1"],
    ["secretsmanager:none", "app.secrets.A: there is no secret none in Secrets Manager of eu-central-1"],
  ] as const)
    it(`of ${source}, which isn't there, are asked of the user`, async () => {
      await assert.rejects(lookupSecretVersions(ctx, { A: source }), {
        code: "SecretMissing",
        message: text,
      });
    });
});
