import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rootCertificates } from "node:tls";
import { debianSources, pipSettings } from "../../../setup/images/lent-files.ts";
import { unknownCertificates } from "../../../setup/images/private-certificates.ts";

const uris = (sources: string) => sources.split("\n").filter((line) => line.startsWith("URIs:"));

describe("Debian's sources for the stand-ins", () => {
  it("are the public ones where the host names none", () => {
    assert.deepEqual(uris(debianSources("deb http://archive.ubuntu.com/ubuntu noble main\n")), [
      "URIs: http://deb.debian.org/debian",
      "URIs: http://deb.debian.org/debian-security",
    ]);
  });

  it("are the mirrors of the host's own lines, in either format, but not those of comments", () => {
    const lines = [
      "# URIs: http://old.example/debian",
      "URIs: http://mirror.example/debian/",
      "deb [signed-by=/k.gpg] https://safe.example/debian-security bookworm-security main",
    ];
    assert.deepEqual(uris(debianSources(lines.join("\n"))), [
      "URIs: http://mirror.example/debian",
      "URIs: https://safe.example/debian-security",
    ]);
  });
});

describe("pip's settings for the stand-ins", () => {
  it("are none where the host has none", () => {
    assert.equal(pipSettings("[global]\ncert = /etc/ssl/certs/ca.pem\n", {}), "");
  });

  it("are the host's, with the environment laid over", () => {
    const configuration = "[global]\nindex-url = https://one.example/simple\ntrusted-host = one.example\n";
    assert.equal(
      pipSettings(configuration, { PIP_INDEX_URL: "https://two.example/simple" }),
      "[global]\nindex-url = https://two.example/simple\ntrusted-host = one.example\n",
    );
  });
});

describe("the certificates that are lent", () => {
  const [first = "", second = "", third = ""] = rootCertificates;

  it("are those that the known lists lack, each once, whatever stands between them", () => {
    const bundle = `# a comment\n${second}\n\n${first}\n`;
    assert.deepEqual(unknownCertificates([bundle, second, third], [`${first}\n${third}`]), [second]);
  });

  it("are none when all are known", () => {
    assert.deepEqual(unknownCertificates([first], rootCertificates), []);
  });
});
