import type { MethodDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import type { z } from "zod";
import { fromRoot } from "../../paths.ts";

const files = ["health.proto", "secrets.proto", "file-sync.proto", "status.proto"];

let loaded: protobuf.Root | undefined;

/** The messages of BuildKit that Berth understands. They are read at the first use. */
function definitions(): protobuf.Root {
  loaded ??= new protobuf.Root().loadSync(
    files.map((file) => fromRoot(`lib/docker/buildkit/${file}`)),
    { keepCase: true },
  );
  return loaded;
}

/** Reads a message of the engine. Fields that aren't set have their defaults: zero, or empty. */
export function decode<Message>(name: string, schema: z.ZodType<Message>, bytes: Uint8Array): Message {
  const type = definitions().lookupType(name);
  const plain: unknown = type.toObject(type.decode(bytes), { longs: Number, arrays: true });
  return schema.parse(plain);
}

function encode(name: string, message: object): Buffer {
  const type = definitions().lookupType(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** One method of a service: `describeMethod("moby.filesync.v1.FileSync", "DiffCopy", request)`. */
export function describeMethod<Request, Response extends object>(
  service: string,
  method: string,
  request: z.ZodType<Request>,
): MethodDefinition<Request, Response> {
  const found = definitions().lookupService(service).methods[method];
  if (found === undefined) throw new Error(`${service} has no method ${method}`);
  const { requestType, responseType, requestStream = false, responseStream = false } = found;
  const ofPackage = (name: string) => `${service.slice(0, service.lastIndexOf("."))}.${name}`;
  return {
    path: `/${service}/${method}`,
    requestStream,
    responseStream,
    requestSerialize: () => unused(),
    requestDeserialize: (bytes) => decode(ofPackage(requestType), request, bytes),
    responseSerialize: (message) => encode(ofPackage(responseType), message),
    responseDeserialize: () => unused(),
  };
}

// The engine is the client; this side never sends a request.
function unused(): never {
  throw new Error("Berth only answers the engine's calls");
}
