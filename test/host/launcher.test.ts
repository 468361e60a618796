import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import { packAgent } from "../../lib/host/bundle.ts";
import { hostFiles, launcherFiles } from "../../lib/host/host-files.ts";
import { userData } from "../../lib/host/user-data.ts";
import { pythonPath } from "../../lib/local/python.ts";
import { run } from "../../setup/child-process.ts";
import { root } from "../../lib/paths.ts";

const python = async (script: string, ...args: string[]): Promise<string> => {
  const environment = {
    PYTHONPATH: join(root, "lib/host/launcher/usr/local/lib/berth-launcher"),
    PYTHONUTF8: "1",
  };
  const { code, stdout, lines } = await run(pythonPath, ["-B", "-W", "error", "-c", script, ...args], {
    environment,
  });
  assert.equal(code, 0, lines.join("\n"));
  return stdout;
};

interface Signed {
  readonly host: string;
  readonly path: string;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly at: string;
}

const owner = { "x-amz-expected-bucket-owner": "123456789012" };
const plain: Signed = {
  host: "berth-hello-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com",
  path: "/agent.json",
  region: "eu-central-1",
  headers: owner,
  at: "2026-11-26T15:00:00Z",
};
const keys = {
  accessKeyId: "ASIAEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "IQoJb3JpZ2luX2VjE//+=",
};

/** By the SDK's own signer. */
async function sign({ host, path, region, headers, at }: Signed): Promise<string | undefined> {
  const signer = new SignatureV4({
    credentials: keys,
    region,
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: true,
  });
  const request = {
    method: "GET",
    protocol: "https:",
    hostname: host,
    path: path
      .split("/")
      .map((part) => encodeURIComponent(part))
      .join("/"),
    headers: { host, ...headers },
  };
  const signed = await signer.sign(request, { signingDate: new Date(at) });
  return signed.headers["authorization"];
}

const script = `
import datetime, json, sys, fetch
table, keys = json.loads(sys.argv[1])
credentials = {"AccessKeyId": keys["accessKeyId"], "SecretAccessKey": keys["secretAccessKey"], "Token": keys["sessionToken"]}
for row in table:
    at = datetime.datetime.strptime(row["at"], "%Y-%m-%dT%H:%M:%SZ")
    print(fetch.sign(row["host"], row["path"], row["headers"], row["region"], credentials, at)["authorization"])
`;

describe("the launcher", () => {
  it("signs as the SDK does", async () => {
    const table: Signed[] = [
      plain,
      { ...plain, path: `/agent/${"0123456789abcdef".repeat(4)}.tar.gz` },
      { ...plain, headers: { ...owner, "if-none-match": '"0123456789abcdef"' } },
      { ...plain, headers: { ...owner, "if-none-match": '  "a   b"  ' } },
      { ...plain, region: "cn-north-1", host: "b.s3.cn-north-1.amazonaws.com.cn" },
      { ...plain, at: "2027-01-01T00:00:00Z" },
      { ...plain, at: "2024-02-29T23:59:59Z" },
      { ...plain, path: "/a b/ü~-_.+@=&" },
      { ...plain, headers: {} },
    ];
    const expected = await Promise.all(table.map(sign));
    const found = (await python(script, JSON.stringify([table, keys]))).trimEnd().split("\n");
    assert.deepEqual(found, expected);
    assert.equal(new Set(found).size, table.length);
  });

  it("is whole without its comments", async () => {
    const programs = launcherFiles().filter(({ path }) => path.endsWith(".py"));
    assert.equal(programs.length, 4);
    const compiled = await python(
      "import sys\nfor text in sys.argv[1:]: print(compile(text, 'x', 'exec').co_names[:1] != ())",
      ...programs.map(({ text }) => text),
    );
    assert.equal(compiled, "True\n".repeat(programs.length));
  });

  it("is all that user data holds: no file of an agent changes it", () => {
    const settings = {
      stack: "hello",
      region: "eu-central-1",
      bucket: "berth-hello",
      account: "123456789012",
    };
    const launchers = new Set(launcherFiles().map(({ path }) => path));
    for (const { path, text } of hostFiles()) {
      assert.ok(!launchers.has(path), path);
      assert.ok(!userData(settings).includes(text), path);
    }
    assert.ok(Buffer.byteLength(userData(settings)) < 12_000);
  });
});

describe("the bundle of an agent", () => {
  it("is the same bytes for the same files, whenever it is packed", () => {
    const [one, other] = [packAgent(), packAgent(hostFiles())];
    assert.equal(one.sha256, other.sha256);
    assert.ok(Buffer.from(one.content).equals(Buffer.from(other.content)));
  });

  it("is another one for each file that differs in content, place or mode", () => {
    const files = hostFiles();
    const hashes = files.flatMap((file, at) =>
      [
        { ...file, text: `${file.text}\n` },
        { ...file, path: `${file.path}x` },
        { ...file, executable: !file.executable },
      ].map((changed) => packAgent(files.with(at, changed)).sha256),
    );
    assert.equal(new Set([packAgent().sha256, ...hashes]).size, 3 * files.length + 1);
  });

  it("is taken by the launcher as it is, with each file in its place", async () => {
    const { content, sha256 } = packAgent();
    const folder = await mkdtemp(join(tmpdir(), "berth-bundle-"));
    const bundle = join(folder, "bundle");
    await writeFile(bundle, content);
    const listed = await python(
      `import bundle, json, pathlib, sys
files = bundle.unpack(pathlib.Path(sys.argv[1]).read_bytes(), sys.argv[2])
print(json.dumps([[path, mode, data.decode()] for path, (data, mode) in files.items()]))`,
      bundle,
      sha256,
    );
    await rm(folder, { recursive: true });
    const files: unknown = JSON.parse(listed);
    assert.deepEqual(
      files,
      hostFiles().map(({ path, text, executable }) => [path.slice(1), executable ? 0o755 : 0o644, text]),
    );
  });
});
