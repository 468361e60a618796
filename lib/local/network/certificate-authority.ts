import { execFile } from "node:child_process";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import { partition } from "@aws-sdk/core/client";
import { fromRoot } from "../../paths.ts";
import { pythonPath } from "../python.ts";

/** A private certificate authority. Only the machines of one embedded AWS trust it, and only for AWS's names. */
export interface CertificateAuthority {
  /** The authority's own certificate, PEM. */
  readonly certificate: string;
  /**
   * The TLS context with which a server can act as any AWS endpoint of that region. Contexts are cached, and created
   * one at a time because each takes a process. Throws for a name that is no AWS region: the client chooses the name,
   * and must not be able to have any number of certificates made.
   */
  contextFor(region: string): Promise<SecureContext>;
  /** The TLS context with which a server can act as Let's Encrypt. */
  acmeContext(): Promise<SecureContext>;
}

const script = fromRoot("lib/local/network/certificates.py");
const run = promisify(execFile);

/** Opens the authority in the directory, or creates one. Its key stays there, readable by its owner only. */
export async function openAuthority(directory: string): Promise<CertificateAuthority> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await run(pythonPath, [script, directory, "authority"]);
  const contexts = new Map<string, Promise<SecureContext>>();
  let last: Promise<unknown> = Promise.resolve();
  const issueNext = (region: string): Promise<SecureContext> => {
    const context = last.then(() => issue(directory, region));
    // A failed context is created again at the next request, and doesn't block the others.
    last = context.catch(() => contexts.delete(region));
    contexts.set(region, context);
    return context;
  };
  return {
    certificate: await readFile(join(directory, "authority.pem"), "utf8"),
    acmeContext: async () => contexts.get(acme) ?? issueNext(acme),
    contextFor: async (region) => {
      if (!isRegion(region)) throw new Error("The name is of no region of AWS");
      return contexts.get(region) ?? issueNext(region);
    },
  };
}

/** No region has this name. */
const acme = "letsencrypt";

/** True for the regions that the SDK lists, not for every name that looks like a region. */
function isRegion(name: string): boolean {
  return "description" in partition(name) && !name.endsWith("-global");
}

async function issue(directory: string, region: string): Promise<SecureContext> {
  const names = region === acme ? ["*.api.letsencrypt.org"] : endpointNames(region);
  await run(pythonPath, [script, directory, region, ...names]);
  const cert = await readFile(join(directory, `${region}.pem`), "utf8");
  const key = await readFile(join(directory, `${region}.key`), "utf8");
  return createSecureContext({ cert, key });
}

/** A wildcard covers one label only, so every depth that AWS uses is listed. */
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
