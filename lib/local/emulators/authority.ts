import type Docker from "dockerode";
import { z } from "zod";
import { startAttachedContainer } from "../../docker/attached-container.ts";
import { ensureBuilt } from "../../docker/build.ts";
import { openSource } from "../../docker/source.ts";
import { BerthError } from "../../errors.ts";
import { fromRoot } from "../../paths.ts";

/** Pebble, which stands in for Let's Encrypt. */
export interface Authority extends AsyncDisposable {
  /** Its port at 127.0.0.1. It answers only who knows the secret. */
  readonly port: number;
  readonly secret: string;
  /** The certificate that all others lead to, as PEM. It is new at each start. */
  readonly root: string;
  /** Tells all names that can be resolved. It knows no others. */
  setNames(addresses: Readonly<Record<string, readonly string[]>>): void;
}

export interface AuthorityOptions {
  readonly docker: Docker;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly secret: string;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly log: (text: string) => void;
  /** The life of a certificate by profile. Default: as Let's Encrypt's. */
  readonly validSeconds?: Readonly<Record<string, number>>;
}

/** The folder of its program. */
export const authoritySource = fromRoot("lib/local/emulators/pebble");

/** The authority runs as this user alone, so that the network guard can tell where it may connect. */
export const authorityUser = 64_999;

const day = 24 * 3600;
/** https://letsencrypt.org/docs/profiles/ */
const publicProfiles = { shortlived: 160 * 3600, classic: 90 * day, tlsserver: 45 * day };

/** Pebble's own faults, for those who want to see them: `PEBBLE_WFE_NONCEREJECT` and its like in the environment. */
const ownSwitches = (environment: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      name.startsWith("PEBBLE_") && value !== undefined ? [[name, value]] : [],
    ),
  );

const ready = z.object({
  port: z.int().min(1).max(65_535),
  root: z.string().startsWith("-----BEGIN CERTIFICATE-----"),
});

/**
 * Starts the authority in this computer's network, where it reaches the machines as the internet would: at their Elastic IPs.
 * Its image is built from Go modules, once.
 *
 * @throws BerthError `EmulatorFailed`; those of `ensureBuilt`; the signal's reason when aborted.
 */
export async function startAuthority(options: AuthorityOptions): Promise<Authority> {
  const { docker, name, labels, secret, signal, note, log } = options;
  const source = await openSource({ source: authoritySource });
  const onProgress = (line: string) => note(`building the certificate authority, once: ${line}`);
  const { localTag: image } = await ensureBuilt({ docker, source, signal, onProgress });
  const said: string[] = [];
  const container = await startAttachedContainer(docker, {
    image,
    name,
    labels,
    command: ["/app"],
    user: String(authorityUser),
    environment: { PEBBLE_VA_NOSLEEP: "1", ...ownSwitches(process.env) },
    capabilities: [],
    takesBack: false,
    onComplaint: (text) => {
      said.push(text);
      said.splice(0, said.length - 20);
      log(`The certificate authority says: ${text.trimEnd()}`);
    },
  });
  container.write(JSON.stringify({ secret, validSeconds: options.validSeconds ?? publicProfiles }));
  const line = await container.readLine();
  if (line === undefined) {
    await container[Symbol.asyncDispose]();
    throw new BerthError({
      code: "EmulatorFailed",
      message: "the certificate authority ended before it answered",
      detail: said.join("").trimEnd().split("\n"),
    });
  }
  return {
    ...ready.parse(JSON.parse(line)),
    secret,
    setNames: (addresses) => container.write(JSON.stringify({ addresses })),
    [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
  };
}
