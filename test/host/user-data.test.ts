import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import { archive } from "../../lib/host/archive.ts";
import { launcherFiles } from "../../lib/host/host-files.ts";
import { userData, type HostSettings } from "../../lib/host/user-data.ts";
import { fromRoot } from "../../lib/paths.ts";
import { readTar } from "./tar-reading.ts";

const settings: HostSettings = {
  stack: "hello",
  region: "eu-central-1",
  bucket: "berth-hello-123456789012-eu-central-1",
  account: "123456789012",
};

interface CloudConfig {
  readonly ssh_pwauth: boolean;
  readonly write_files: { readonly path: string; readonly encoding?: string; readonly content: string }[];
  readonly runcmd: string[];
}

function contentOf(text: string, path: string): string {
  const config: CloudConfig = parse(text);
  return config.write_files.find((file) => file.path === path)?.content ?? "";
}

describe("user data", () => {
  it("is cloud-config of less than 16 KB", () => {
    const text = userData(settings);
    assert.ok(text.startsWith("#cloud-config\n"));
    assert.ok(Buffer.byteLength(text) < 16 * 1024);
  });

  it("fits with the longest names that a stack can have", () => {
    const stack = "a".repeat(24);
    const region = "ap-southeast-2";
    const bucket = `berth-${stack}-123456789012-${region}`;
    // EC2 refuses more; userData throws first.
    assert.ok(userData({ stack, region, bucket, account: "123456789012" }).length > 0);
  });

  it("is byte-identical for equal settings, in whatever order they are given", () => {
    const { stack, region, bucket, account } = settings;
    const reversed = { account, bucket, region, stack };
    assert.equal(userData(reversed), userData({ ...settings }));
  });

  it("is another for another bucket", () => {
    assert.notEqual(userData({ ...settings, bucket: "berth-other" }), userData(settings));
  });

  it("tells the host where its bucket and its registry are", () => {
    const text = userData(settings);
    assert.deepEqual(JSON.parse(contentOf(text, "/etc/berth/settings.json")), {
      ...settings,
      domain: "amazonaws.com",
    });
    assert.deepEqual(JSON.parse(contentOf(text, "/etc/berth/docker/config.json")), {
      credHelpers: { "123456789012.dkr.ecr.eu-central-1.amazonaws.com": "ecr-login" },
    });
  });

  it("lets nobody in by a password, and does these things at the first boot, in this order", () => {
    const config: CloudConfig = parse(userData(settings));
    assert.deepEqual(Object.keys(config), ["ssh_pwauth", "write_files", "runcmd"]);
    assert.equal(config.ssh_pwauth, false);
    assert.deepEqual(
      config.write_files.map(({ path }) => path),
      ["/var/lib/berth-launcher/launcher.tar", "/etc/berth/settings.json", "/etc/berth/docker/config.json"],
    );
    assert.deepEqual(config.runcmd, [
      "python3 -W ignore -m tarfile --extract /var/lib/berth-launcher/launcher.tar /",
      "systemctl daemon-reload",
      "systemctl enable berth-launcher.service",
      "systemctl start --no-block berth-launcher.service",
    ]);
  });

  it("takes no setting for more than a setting", () => {
    const hostile = { ...settings, bucket: "a'\nruncmd: [id]\nx: '" };
    const text = userData(hostile);
    assert.deepEqual(JSON.parse(contentOf(text, "/etc/berth/settings.json")), {
      ...hostile,
      domain: "amazonaws.com",
    });
  });

  it("names bucket and registry of China's regions by their own domain", () => {
    const text = userData({ ...settings, region: "cn-north-1" });
    assert.match(contentOf(text, "/etc/berth/settings.json"), /"domain":"amazonaws\.com\.cn"/);
    assert.match(
      contentOf(text, "/etc/berth/docker/config.json"),
      /dkr\.ecr\.cn-north-1\.amazonaws\.com\.cn"/,
    );
  });

  it("carries the launcher, with every line where it was, and no file of an agent", () => {
    const packed = contentOf(userData(settings), "/var/lib/berth-launcher/launcher.tar");
    const files = readTar(gunzipSync(Buffer.from(packed, "base64")));
    assert.deepEqual(
      files.map(({ path, mode }) => [path, mode]),
      [
        ["etc/systemd/system/berth-launcher.service", 0o644],
        ["usr/local/lib/berth-launcher/bundle.py", 0o644],
        ["usr/local/lib/berth-launcher/fetch.py", 0o644],
        ["usr/local/lib/berth-launcher/launcher.py", 0o644],
        ["usr/local/lib/berth-launcher/room.py", 0o644],
      ],
    );
    for (const file of files) {
      const written = readFileSync(fromRoot(`lib/host/launcher/${file.path}`), "utf8");
      assert.equal(file.text.split("\n").length, written.split("\n").length, file.path);
      const code = written.split("\n").filter((line) => !/^\s*(#|""".*"""$)/.test(line) && line !== "");
      assert.deepEqual(
        file.text.split("\n").filter((line) => !/^\s*(""|)$/.test(line)),
        code,
        file.path,
      );
    }
  });

  it("holds nothing that looks like a secret", () => {
    const everything = userData(settings) + Buffer.from(archive(launcherFiles())).toString("utf8");
    assert.doesNotMatch(everything, /A[KS]IA[A-Z0-9]{16}|aws_secret|PRIVATE KEY|password\s*[=:]/i);
  });

  it("is refused by name when it doesn't fit into EC2's 16 KB", () => {
    assert.throws(() => userData({ ...settings, stack: "x".repeat(8192) }), { code: "UserDataTooLarge" });
  });
});
