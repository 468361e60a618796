import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { after, before, describe, it } from "node:test";
import { type EdgeRig, openEdgeRig } from "./edge-rig.ts";

const address = "203.0.113.7";
const names = ["app.example.org", "www.example.org"] as const;
/** What a handshake for a name without a certificate ends with: no certificate is shown at all. */
const refusal = "TLSV1_UNRECOGNIZED_NAME";

// As install() in certificate_files.py leaves them: both slots, and a file for each name.
const placeCertificate = (own: readonly string[]) => `
  mkdir -p /var/lib/berth-tls/names /var/lib/berth-tls/webroot
  cd /var/lib/berth-tls
  rm -f names/*
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=own \\
    -addext 'subjectAltName=${own.map((name) => (name === address ? `IP:${name}` : `DNS:${name}`)).join(",")}' \\
    -keyout key.pem -out chain.pem 2> /dev/null
  cat chain.pem key.pem > even.pem
  cp even.pem odd.pem
  chown www-data even.pem odd.pem
  touch ${own.map((name) => `names/${name}`).join(" ")}`;

/** Asks with one name in the handshake and another in the request, and believes any certificate: it prints what it is given. */
const client = `
import socket, ssl, sys
named, host = sys.argv[1:]
context = ssl._create_unverified_context()
try:
    raw = socket.create_connection(("127.0.0.1", 443))
    with context.wrap_socket(raw, server_hostname=named or None) as one:
        one.sendall(f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
        answer = b"".join(iter(lambda: one.recv(65536), b""))
        head = answer.split(b"\\r\\n\\r\\n")[0].decode().split("\\r\\n")
        kept = [line for line in head if line.lower().startswith(("location:", "strict-transport"))]
        print(" | ".join([head[0].split(" ")[1], *kept]))
except ssl.SSLError as error:
    print(error.reason)
`;

describe("the edge's certificate and the names that clients ask for", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig("answering-app.py");
    await rig.toolbox.put([{ path: "/tmp/ask.py", text: client, executable: false }]);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  /** `named` is what the handshake asks for: an empty one names nothing, as clients of an address do. */
  const ask = (named: string, host: string) => rig.toolbox.run(`python3 -B /tmp/ask.py '${named}' '${host}'`);
  /**
   * Which certificate is shown to a client that names a number in its handshake, as the standard forbids it: whether that is
   * the stack's own, and what a client says of it that trusts its authority and wants the number.
   */
  const shake = (number: string) =>
    rig.toolbox.run(`cd /var/lib/berth-tls
      openssl s_client -connect 127.0.0.1:443 -servername ${number} -verify_ip ${number} -CAfile chain.pem \
        < /dev/null > /tmp/shaken 2>&1
      mark() { openssl x509 -in "$1" -noout -fingerprint -sha256; }
      test "$(mark /tmp/shaken)" = "$(mark chain.pem)" && echo own
      sed -n 's/^ *Verif[a-z]* return code: //p' /tmp/shaken | head -1`);
  const askWithoutTls = (host: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request(`${rig.url}/a?b=c`, { headers: { host }, agent: false }, (answer) => resolve(answer.resume()))
        .once("error", reject)
        .end();
    });

  it("is shown to clients of the address, and to nobody who asks for a name, where there are no domains", async () => {
    await rig.toolbox.run(placeCertificate([address]));
    await rig.serve([8080]);
    assert.equal(await ask("", address), "200");
    for (const other of ["other.example.org", "localhost", `${address}.example.org`]) {
      assert.equal(await ask(other, other), refusal, other);
    }
  });

  it("is shown for the domains and for no other name", async () => {
    await rig.toolbox.run(placeCertificate(names));
    await rig.serve([8080], { https: { names, address, hstsSeconds: 300 } });
    for (const name of names) {
      assert.equal(await ask(name, name), "200 | Strict-Transport-Security: max-age=300", name);
    }
    for (const other of [
      "example.org",
      "other.example.org",
      "x.app.example.org",
      "app.example.org.evil.example",
    ]) {
      assert.equal(await ask(other, names[0]), refusal, other);
    }
  });

  it("is the only one that is shown to whoever names the number of an address, and is good for the stack's alone", async () => {
    const mismatch = "own\n64 (IP address mismatch)";
    await rig.toolbox.run(placeCertificate([address]));
    await rig.serve([8080]);
    assert.equal(await shake(address), "own\n0 (ok)");
    assert.equal(await shake("198.51.100.9"), mismatch);
    await rig.toolbox.run(placeCertificate(names));
    await rig.serve([8080], { https: { names, address, hstsSeconds: 300 } });
    for (const number of [address, "198.51.100.9"]) assert.equal(await shake(number), mismatch, number);
    // The request alone has the number, as that of a load balancer which looks after the app.
    assert.equal(await ask("", "198.51.100.9"), "200");
  });

  it("answers nothing of the app to a request for another name than the handshake's", async () => {
    await rig.takeSeen();
    assert.equal(await ask(names[0], "other.example.org"), "421");
    assert.deepEqual(await rig.takeSeen(), []);
  });

  it("leads from the address to the first domain, and has no browser insist on HTTPS for any other name", async () => {
    const { statusCode, headers } = await askWithoutTls(address);
    assert.deepEqual([statusCode, headers.location], [308, `https://${names[0]}/a?b=c`]);
    assert.equal(headers["strict-transport-security"], undefined);
    const other = await askWithoutTls("other.example.org");
    assert.deepEqual([other.statusCode, other.headers["strict-transport-security"]], [200, undefined]);
  });
});
