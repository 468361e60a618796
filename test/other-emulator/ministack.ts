import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endpointsAt } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { pythonPath, requirePython } from "../../lib/local/python.ts";
import { fromRoot } from "../../lib/paths.ts";
import { borrowEmulators } from "../local/borrowed-emulators.ts";
import { Faults } from "../strict-aws/faults.ts";
import { forward } from "../strict-aws/forward.ts";
import { startProxy } from "../strict-aws/proxy.ts";
import { outcomeOf, type Reply } from "../strict-aws/reply.ts";
import type { AwsRequest, Service } from "../strict-aws/request.ts";
import type { StrictAws } from "../strict-aws/strict-aws.ts";

const environment = {
  SERVICES: "ec2,ecr,iam,s3,ssm,sts",
  MINISTACK_ACCOUNT_ID: localAccount,
  BIND_HOST: "127.0.0.1",
  // ministack removes containers that carry its label. No engine may be within its reach.
  DOCKER_HOST: "unix:///nonexistent",
  SFTP_ENABLED: "0",
  IOT_MTLS_ENABLED: "0",
};

export interface Ministack extends StrictAws {
  /** The operations that ministack doesn't know. moto answers them. */
  readonly unknown: ReadonlySet<string>;
}

/** ministack for some services, and moto for the others, behind a proxy that changes nothing. Dispose ends all. */
export async function startMinistack(folder: string, services: readonly Service[]): Promise<Ministack> {
  const moto = await borrowEmulators({ logDirectory: folder, ecr: false });
  const { port, stop } = await launch(folder);
  const unknown = new Set<string>();
  const answer = async (request: AwsRequest): Promise<Reply> => {
    if (!services.includes(request.service)) return forward(request, moto.backends.moto);
    const reply = await forward(request, join(folder, "socket"));
    if (outcomeOf(request, reply) !== "InvalidAction") return reply;
    unknown.add(request.operation);
    return forward(request, moto.backends.moto);
  };
  const faults = new Faults(1);
  const { url, log, hooks, cutAll, ...proxy } = await startProxy({ faults, answer });
  const endpoints = endpointsAt(url, `127.0.0.1:${port}`);
  return {
    endpoints,
    bare: endpoints,
    credentials: moto.credentials,
    faults,
    unknown,
    get calls() {
      return log.calls;
    },
    on: (hook) => hooks.add(hook),
    cutAll,
    ageObjects: () => Promise.reject(new Error("ministack has the computer's own clock")),
    reset: () => Promise.reject(new Error("ministack isn't emptied here: start another")),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await stop();
      await moto[Symbol.asyncDispose]();
    },
  };
}

async function launch(folder: string) {
  requirePython();
  const { PATH = "", HOME = "/" } = process.env;
  const child = spawn(pythonPath, [fromRoot("test/other-emulator/whole_ministack.py"), folder], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { PATH, HOME, TMPDIR: folder, S3_DATA_DIR: folder, STATE_DIR: folder, ...environment },
  });
  const ended = once(child, "exit");
  const listening = once(createInterface({ input: child.stdout }), "line").then(([line]) => Number(line));
  const failed = ended.then(([code]) => {
    throw new Error(`ministack ended with ${String(code)}: its log is in ${folder}`);
  });
  const port = await Promise.race([listening, failed]);
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  failed.catch(() => undefined);
  return { port, stop };
}
