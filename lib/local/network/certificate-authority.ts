import { execFile } from "node:child_process";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import { partition } from "@aws-sdk/core/client";
import { fromRoot } from "../../paths.ts";
import { pythonPath } from "../python.ts";

/** A private authority that only the machines of one embedded AWS trust, and only for AWS's names. */
export interface CertificateAuthority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  /**
   * What a TLS server needs to be any AWS endpoint of that region. Made once, then remembered; one at a time, as each takes a
   * process. Throws for what is no region of AWS: whoever connects chooses the name, and must not choose how much is made.
   */
  contextFor(region: string): Promise<SecureContext>;
}

const script = fromRoot("lib/local/network/certificates.py");
const run = promisify(execFile);

/** Makes a new authority, or takes the one that is in the directory. Its key stays there, readable by its owner only. */
export async function openAuthority(directory: string): Promise<CertificateAuthority> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  await run(pythonPath, [script, directory, "authority"]);
  const contexts = new Map<string, Promise<SecureContext>>();
  let last: Promise<unknown> = Promise.resolve();
  const issueNext = (region: string): Promise<SecureContext> => {
    const context = last.then(() => issue(directory, region));
    // What fails is tried again when it is asked for again, and keeps nobody waiting.
    last = context.catch(() => contexts.delete(region));
    contexts.set(region, context);
    return context;
  };
  return {
    certificate: await readFile(join(directory, "authority.pem"), "utf8"),
    contextFor: async (region) => {
      if (!isRegion(region)) throw new Error("The name is of no region of AWS");
      return contexts.get(region) ?? issueNext(region);
    },
  };
}

/** True for the regions that the SDK lists, and not for what only looks like one. */
function isRegion(name: string): boolean {
  return "description" in partition(name) && !name.endsWith("-global");
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
