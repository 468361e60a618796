import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { listOptionalFolder, readOptionalFile } from "../computer/optional-file.ts";

const bundleVariables = [
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
];

/**
 * The certificates that this computer trusts in addition to the public lists, such as those of a company or a proxy. As
 * PEM, sorted.
 */
export async function readPrivateCertificates(): Promise<string[]> {
  const bundles = new Set(bundleVariables.flatMap((name) => process.env[name] ?? []));
  const [added, distribution, named] = await Promise.all([
    readCertificates("/usr/local/share/ca-certificates"),
    readCertificates("/usr/share/ca-certificates"),
    Promise.all([...bundles].map(readOptionalFile)),
  ]);
  return unknownCertificates([...added, ...named], [...rootCertificates, ...distribution]);
}

/** The certificates in the bundles that aren't in the known ones, each once. White space is ignored. */
export function unknownCertificates(bundles: readonly string[], known: readonly string[]): string[] {
  const prints = new Set(known.flatMap(splitBundle).map(fingerprint));
  const unknown = new Map<string, string>();
  for (const pem of bundles.flatMap(splitBundle)) {
    const print = fingerprint(pem);
    if (!prints.has(print)) unknown.set(print, pem);
  }
  return [...unknown].toSorted(([one], [other]) => one.localeCompare(other)).map(([, pem]) => pem);
}

function splitBundle(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

async function readCertificates(folder: string): Promise<string[]> {
  const names = (await listOptionalFolder(folder)).filter((name) => name.endsWith(".crt"));
  return Promise.all(names.map((name) => readOptionalFile(join(folder, name))));
}
