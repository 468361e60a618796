import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import { type EdgeRig, openEdgeRig } from "./edge-rig.ts";

const name = "app.example.org";

// An authority with a certificate of its own, and one for the edge as an authority of today gives it: 90 days, no OCSP.
const placeCertificate = `
  mkdir -p /var/lib/berth-tls/names /var/lib/berth-tls/webroot
  cd /var/lib/berth-tls
  curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  openssl req -x509 $curve -days 3650 -subj '/CN=authority' -addext keyUsage=critical,keyCertSign,cRLSign \\
    -keyout /tmp/authority.key -out /tmp/authority.pem 2> /dev/null
  openssl req $curve -subj '/CN=${name}' -keyout key.pem -out /tmp/request.pem 2> /dev/null
  printf '%s\\n' 'subjectAltName=DNS:${name}' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth' \\
    'crlDistributionPoints=URI:http://authority.example/list.crl' > /tmp/extensions
  openssl x509 -req -days 90 -in /tmp/request.pem -CA /tmp/authority.pem -CAkey /tmp/authority.key \\
    -extfile /tmp/extensions -out chain.pem 2> /dev/null
  cat chain.pem /tmp/authority.pem key.pem > even.pem
  cp even.pem odd.pem
  chown www-data even.pem odd.pem
  touch names/${name}`;

const findings = z.array(z.object({ id: z.string(), severity: z.string(), finding: z.string() }));
/** Of testssl.sh's ranks, those that are no finding. WARN is a check that it could not do, of about 160. */
const harmless = new Set(["OK", "INFO", "LOW", "DEBUG", "WARN"]);

describe("the edge's TLS, seen by a scanner", () => {
  let rig: EdgeRig;
  let found: z.infer<typeof findings>;
  before(async () => {
    rig = await openEdgeRig("answering-app.py");
    await rig.toolbox.run(placeCertificate);
    await rig.serve([8080], { https: { names: [name], address: "203.0.113.7", hstsSeconds: 31_536_000 } });
    await rig.toolbox.run(
      `testssl --quiet --color 0 --warnings off --ip 127.0.0.1 --nodns none --add-ca /tmp/authority.pem --jsonfile /tmp/scan.json ${name} > /tmp/scan.txt || true`,
    );
    found = findings.parse(JSON.parse(await rig.toolbox.run("cat /tmp/scan.json")));
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const findingOf = (id: string) => found.find((one) => one.id === id)?.finding;

  it("has no finding of medium rank or higher", (t) => {
    for (const { id, severity, finding } of found)
      if (!finding.includes("BEGIN CERTIFICATE")) t.diagnostic(`${severity} ${id}: ${finding}`);
    assert.ok(found.length > 100, "the scan ended early");
    assert.deepEqual(
      found.filter(({ severity }) => !harmless.has(severity)),
      [],
    );
  });

  it("is TLS 1.2 and 1.3 alone, with the certificate of the authority, and HTTP/2", () => {
    const offered = ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"].filter(
      (id) => findingOf(id)?.startsWith("offered") === true,
    );
    assert.deepEqual(offered, ["TLS1_2", "TLS1_3"]);
    assert.match(findingOf("cert_chain_of_trust") ?? "", /passed/);
    assert.match(findingOf("ALPN_HTTP2") ?? "", /h2/);
  });
});
