import { randomUUID } from "node:crypto";
import { Duplex, Readable } from "node:stream";
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type Docker from "dockerode";
import { z } from "zod";
import { isNotFound } from "../connection.ts";
import { describeMethod } from "./protocol.ts";

/** A method that the engine may call while it builds, and what answers it. */
export interface Method {
  // oxlint-disable-next-line typescript/no-explicit-any -- grpc-js has no type for methods of different messages.
  readonly definition: MethodDefinition<any, any>;
  readonly answer: UntypedServiceImplementation[string];
}

export interface BuildSession extends AsyncDisposable {
  readonly id: string;
}

/**
 * Opens the connection over which BuildKit asks for what it needs: the source, and secrets. Returns undefined if the
 * engine has no BuildKit.
 */
export async function openSession(
  docker: Docker,
  methods: readonly Method[],
): Promise<BuildSession | undefined> {
  const id = randomUUID();
  const all = [health(), ...methods];
  const socket = await connect(docker, id, all);
  if (socket === undefined) return undefined;
  const server = new Server();
  for (const { definition, answer } of all) {
    const service: ServiceDefinition = { [definition.path]: definition };
    server.addService(service, { [definition.path]: answer });
  }
  server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(socket);
  return {
    id,
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
      socket.destroy();
    },
  };
}

/** The engine's end of a connection over which it is the one that calls. */
async function connect(docker: Docker, id: string, methods: readonly Method[]): Promise<Duplex | undefined> {
  const request = {
    path: "/session",
    method: "POST",
    hijack: true,
    headers: {
      Upgrade: "h2c",
      "X-Docker-Expose-Session-Uuid": id,
      "X-Docker-Expose-Session-Name": "berth",
      // BuildKit calls only methods that are named here.
      "X-Docker-Expose-Session-Grpc-Method": methods.map(({ definition }) => definition.path),
    },
    statusCodes: { 101: true },
  };
  try {
    const socket = await dial(docker, request);
    if (!(socket instanceof Duplex)) throw new Error("The engine opened no session");
    return socket;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Calls the engine for what dockerode has no function for. */
export function dial(docker: Docker, request: Parameters<Docker["modem"]["dial"]>[0]): Promise<Readable> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: Error | null, answer: unknown) => {
      if (answer instanceof Readable) resolve(answer);
      else reject(error ?? new Error("The engine's answer is no stream"));
    });
  });
}

/** BuildKit ends a session that doesn't say every few seconds that it is well. */
function health(): Method {
  return {
    definition: describeMethod("grpc.health.v1.Health", "Check", z.unknown()),
    answer: (_call: unknown, reply: (error: null, answer: object) => void) => reply(null, { status: 1 }),
  };
}
