import type { Endpoints } from "../aws/clients.ts";
import { BerthError } from "../errors.ts";
import { startEmulator, type Emulator } from "./emulator.ts";

export interface LocalCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** An AWS account made of emulators, empty at first. */
export interface Emulators extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /** Empties all services, as if just started. */
  reset(): Promise<void>;
  /** Settles when one of them has ended. */
  readonly ended: Promise<void>;
}

export interface EmulatorsOptions {
  /** The logs of the emulators are kept here. */
  readonly logDirectory: string;
  /** False spares the second process (and its time) where no registry is needed; ECR is then moto's, which takes no push. */
  readonly ecr?: boolean;
}

/** The account that both emulators answer for. */
export const localAccount = "123456789012";

/** Any pair would do: the emulators check no signatures. It must not look like a real one to whoever scans for secrets. */
export const localCredentials: LocalCredentials = {
  accessKeyId: "berth-local",
  secretAccessKey: "berth-local",
};

/** Makes moto as strict as it can be. */
const motoEnvironment = {
  MOTO_IAM_LOAD_MANAGED_POLICIES: "true",
  MOTO_ENABLE_AMI_VALIDATION: "true",
  MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: "true",
  MOTO_ENABLE_KEYPAIR_VALIDATION: "true",
  MOTO_ACCOUNT_ID: localAccount,
  // No browser calls it.
  MOTO_DISABLE_GLOBAL_CORS: "true",
};

function ministackEnvironment(logDirectory: string): Record<string, string> {
  return {
    MINISTACK_ACCOUNT_ID: localAccount,
    // It removes containers that carry its label on start and end: keep it away from every engine.
    DOCKER_HOST: "unix:///nonexistent",
    S3_DATA_DIR: `${logDirectory}/ministack`,
    STATE_DIR: `${logDirectory}/ministack`,
    SFTP_ENABLED: "0",
    IOT_MTLS_ENABLED: "0",
  };
}

/**
 * Starts the emulators on free loopback ports: moto for EC2, IAM, S3, SSM and STS, ministack for ECR and its registry.
 * They end on dispose and when this process ends, however it ends.
 *
 * @throws BerthError `NoPythonEnvironment`, `EmulatorFailed`.
 */
export async function startEmulators(options: EmulatorsOptions): Promise<Emulators> {
  const { logDirectory, ecr = true } = options;
  const starting = [startEmulator({ kind: "moto", environment: motoEnvironment, logDirectory })];
  if (ecr) {
    const environment = ministackEnvironment(logDirectory);
    starting.push(startEmulator({ kind: "ministack", environment, logDirectory }));
  }
  const [moto, ministack = moto] = await allOrNone(starting);
  if (moto === undefined || ministack === undefined) throw new Error("No emulator was asked for");
  const emulators = ecr ? [moto, ministack] : [moto];
  return {
    endpoints: endpointsOf(moto, ministack),
    credentials: localCredentials,
    ended: Promise.race(emulators.map((emulator) => emulator.ended)),
    reset: async () => {
      await post(`${moto.url}/moto-api/reset`);
      if (ecr) await post(`${ministack.url}/_ministack/reset`);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(emulators.map((emulator) => emulator.stop()));
    },
  };
}

async function allOrNone(starting: Promise<Emulator>[]): Promise<Emulator[]> {
  const results = await Promise.allSettled(starting);
  const started = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return started;
  await Promise.all(started.map((emulator) => emulator.stop()));
  throw failed.reason;
}

function endpointsOf(moto: Emulator, ministack: Emulator): Endpoints {
  const { url } = moto;
  const registry = `127.0.0.1:${ministack.port}`;
  return { ec2: url, iam: url, s3: url, ssm: url, sts: url, ecr: ministack.url, registry };
}

async function post(url: string): Promise<void> {
  const response = await fetch(url, { method: "POST" });
  if (response.ok) return;
  throw new BerthError({
    code: "EmulatorFailed",
    message: `The emulator answered ${response.status} to POST ${url}`,
    detail: (await response.text()).split("\n").slice(-20),
  });
}
