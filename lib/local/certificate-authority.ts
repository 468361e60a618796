import { execFile } from "node:child_process";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import { pythonPath } from "./emulator.ts";

/** A private authority that only the machines of one embedded AWS trust, and only for AWS's names. */
export interface CertificateAuthority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  /** What a TLS server needs to be any AWS endpoint of that region. Made once, then remembered. */
  contextFor(region: string): Promise<SecureContext>;
}

const script = join(import.meta.dirname, "certificates.py");
const run = promisify(execFile);

/** Makes a new authority, or takes the one that is in the directory. Its key stays there, readable by its owner only. */
export async function openAuthority(directory: string): Promise<CertificateAuthority> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await run(pythonPath, [script, directory, "authority"]);
  const contexts = new Map<string, Promise<SecureContext>>();
  return {
    certificate: await readFile(join(directory, "authority.pem"), "utf8"),
    contextFor: (region) => {
      const context = contexts.get(region) ?? issue(directory, region);
      contexts.set(region, context);
      return context;
    },
  };
}

async function issue(directory: string, region: string): Promise<SecureContext> {
  await run(pythonPath, [script, directory, region, ...endpointNames(region)]);
  const cert = await readFile(join(directory, `${region}.pem`), "utf8");
  const key = await readFile(join(directory, `${region}.key`), "utf8");
  return createSecureContext({ cert, key });
}

/** A wildcard stands for one label only, so each depth that AWS uses is named. */
function endpointNames(region: string): string[] {
  return [
    "*.amazonaws.com",
    "*.s3.amazonaws.com",
    `*.${region}.amazonaws.com`,
    `*.s3.${region}.amazonaws.com`,
    `*.dualstack.${region}.amazonaws.com`,
    `*.s3.dualstack.${region}.amazonaws.com`,
    `api.ecr.${region}.amazonaws.com`,
    `*.dkr.ecr.${region}.amazonaws.com`,
  ];
}

/** The region in the name of an AWS endpoint; us-east-1 when it has none, as for IAM. */
export function regionOfName(name: string): string {
  return /(?:^|\.)([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com$/.exec(name)?.[1] ?? "us-east-1";
}
