import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { privateText } from "../../lib/docker/private-names.ts";
import { openSource } from "../../lib/docker/source.ts";
import { type Files, writeSourceFolder } from "./source-folder.ts";

async function privateOf(files: Files): Promise<readonly string[]> {
  await using folder = await writeSourceFolder({ Dockerfile: "FROM scratch\n", ...files });
  return (await openSource({ source: folder.path })).privatePaths;
}

const filesOf = (...paths: readonly string[]): Files =>
  Object.fromEntries(paths.map((path) => [path, "x\n"]));

describe("what looks private in a build context", () => {
  const found = `
    .env .env.local deploy/.env.production id_rsa keys/id_ed25519 tls/server.pem a.KEY
    .aws/credentials .ssh/config .npmrc .netrc sub/.pypirc .git-credentials store.p12
    .docker/config.json .kube/config .config/gcloud/access_tokens.db terraform.tfstate
  `
    .trim()
    .split(/\s+/);
  for (const path of found)
    it(`names ${path}`, async () => {
      assert.deepEqual(await privateOf(filesOf(path)), [path]);
    });

  it("names nothing that only sounds like it", async () => {
    const harmless = [
      ".env.example",
      "id_rsa.pub",
      "monkey.go",
      "environment.ts",
      "docs/aws/readme.md",
      "key.go",
    ];
    assert.deepEqual(await privateOf(filesOf(...harmless, "src/.gitignore")), []);
  });

  it("names git's configuration when it holds credentials, and only then", async () => {
    const remote = (url: string) => `[remote "origin"]\n\turl = ${url}\n`;

    const seenWith = (url: string) => privateOf({ ".dockerignore": "!.git\n", ".git/config": remote(url) });

    assert.deepEqual(await seenWith("https://example.test/a.git"), []);
    assert.deepEqual(await seenWith("git@example.test:a.git"), []);
    assert.deepEqual(await seenWith("https://me:token@example.test/a.git"), [".git/config"]);
  });

  it("names nothing that .dockerignore keeps out", async () => {
    assert.deepEqual(
      await privateOf({ ...filesOf(".env", ".aws/credentials"), ".dockerignore": ".env\n.aws\n" }),
      [],
    );
  });

  it("is told in one line that names a few, and how many more there are", () => {
    const paths = Array.from({ length: 9 }, (_none, index) => `key-${index}.pem`);

    assert.match(
      privateText("app", paths) ?? "",
      /^the build of app .*: key-0\.pem, .*key-4\.pem and 4 more$/,
    );
    assert.equal(privateText("app", []), undefined);
  });
});
