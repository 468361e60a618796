import { type Endpoints, endpointsAt } from "../../aws/clients.ts";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { BerthError } from "../../errors.ts";
import { drawCredentials, drawSecret, type LocalCredentials } from "../account/drawn-credentials.ts";
import { commandDoor, ecrOperations } from "../account/doors.ts";
import { startEmulator, type Emulator } from "./emulator.ts";
import { startCommandGateway, type Backends, type ObservedCall } from "../network/gateway.ts";

/** An emulated AWS account, empty at first. */
export interface Emulators extends AsyncDisposable {
  /** All endpoints are one gateway, which answers only requests that are signed with the credentials. */
  readonly endpoints: Endpoints;
  /** Created anew at each start. */
  readonly credentials: LocalCredentials;
  /** The emulators' own sockets, behind the gateway. */
  readonly backends: Backends;
  /** Empties all services, as after a fresh start. */
  reset(): Promise<void>;
  /** Settles when one of the emulators has ended. */
  readonly ended: Promise<void>;
}

export interface EmulatorsOptions {
  /** Directory for the emulators' logs. */
  readonly logDirectory: string;
  /** False saves the second process where no registry is needed. moto then answers for ECR, which accepts no push. */
  readonly ecr?: boolean;
  /** Called for each call through the gateway after it has been answered. */
  readonly onCall?: (call: ObservedCall) => void;
}

/** The account that both emulators answer for. */
export const localAccount = "123456789012";

/** Makes moto as strict as it can be. */
const motoEnvironment = {
  MOTO_IAM_LOAD_MANAGED_POLICIES: "true",
  MOTO_ENABLE_AMI_VALIDATION: "true",
  MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: "true",
  MOTO_ENABLE_KEYPAIR_VALIDATION: "true",
  MOTO_ACCOUNT_ID: localAccount,
  // No browser calls the emulator.
  MOTO_DISABLE_GLOBAL_CORS: "true",
  // Buckets are named in the path only.
  S3_IGNORE_SUBDOMAIN_BUCKETNAME: "true",
};

function ministackEnvironment(logDirectory: string): Record<string, string> {
  return {
    // ministack has fifty services, and some run programs. emulator_doors.py closes the paths that belong to no
    // service.
    SERVICES: "ecr",
    BERTH_ECR_OPERATIONS: [...ecrOperations].join(","),
    MINISTACK_ACCOUNT_ID: localAccount,
    // On start and end, ministack removes containers that carry its label. No engine may be within its reach.
    DOCKER_HOST: "unix:///nonexistent",
    S3_DATA_DIR: `${logDirectory}/ministack`,
    STATE_DIR: `${logDirectory}/ministack`,
    SFTP_ENABLED: "0",
    IOT_MTLS_ENABLED: "0",
  };
}

/**
 * Starts the emulators (moto for EC2, IAM, Route 53, S3, SSM and STS, ministack for ECR and its registry) and their gateway on a
 * free loopback port. They end on dispose, and when this process ends, however it ends.
 *
 * @throws BerthError `NoPythonEnvironment`, `EmulatorFailed`.
 */
export async function startEmulators(options: EmulatorsOptions): Promise<Emulators> {
  const { logDirectory, ecr = true, onCall } = options;
  const [credentials, registryPassword, control] = [drawCredentials(), drawSecret(), drawSecret()];
  const secrets = { BERTH_CONTROL: control, BERTH_REGISTRY_PASSWORD: registryPassword };
  const start = (kind: "moto" | "ministack", environment: Record<string, string>) =>
    startEmulator({ kind, environment: { ...environment, ...secrets }, logDirectory });
  const starting = [start("moto", motoEnvironment)];
  if (ecr) starting.push(start("ministack", ministackEnvironment(logDirectory)));
  const [moto, ministack = moto] = await allOrNone(starting);
  if (moto === undefined || ministack === undefined) throw new Error("No emulator was asked for");
  const emulators = ecr ? [moto, ministack] : [moto];
  const backends = { moto: moto.socketPath, ecr: ministack.socketPath };
  const gateway = await startCommandGateway({
    backends,
    door: commandDoor(credentials, registryPassword),
    onCall,
  });
  return {
    endpoints: endpointsOf(gateway.port),
    credentials,
    backends,
    ended: Promise.race(emulators.map((emulator) => emulator.ended)),
    reset: async () => {
      await post(moto, "/moto-api/reset", control);
      if (ecr) await post(ministack, "/_ministack/reset", control);
    },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
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

function endpointsOf(port: number): Endpoints {
  const registry = `127.0.0.1:${port}`;
  return endpointsAt(`http://${registry}`, registry);
}

async function post({ socketPath }: Emulator, path: string, control: string): Promise<void> {
  const headers = { "x-berth-control": control, "content-length": 0 };
  const asked = request({ socketPath, method: "POST", path, headers, agent: false });
  const answer = await new Promise<{ status: number | undefined; said: string }>((resolve, reject) => {
    asked.once("error", reject).once("response", (response) => {
      text(response).then((said) => resolve({ status: response.statusCode, said }), reject);
    });
    asked.end();
  });
  if (answer.status === 200) return;
  throw new BerthError({
    code: "EmulatorFailed",
    message: `the emulator answered ${answer.status} to POST ${path}`,
    detail: answer.said.split("\n").slice(-20),
  });
}
