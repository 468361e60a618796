import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** Replaces a Docker engine, through `DOCKER_HOST`. */
export interface StandInEngine extends AsyncDisposable {
  readonly dockerHost: string;
  /** The tags that were built, in order. */
  readonly built: readonly string[];
}

/**
 * Starts an engine that builds nothing but really pushes: every tag becomes a separate small image in the registry,
 * over the registry's own HTTP API. `registry` is `host:port`; the host that a push names is ignored.
 */
export async function startStandInEngine(registry: string): Promise<StandInEngine> {
  const built: string[] = [];
  const server = createServer((incoming, response) => {
    answer({ incoming, response, built, registry }).catch((error: unknown) => {
      response.end(`${JSON.stringify({ error: String(error) })}\n`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The engine listens on no port");
  return {
    dockerHost: `tcp://127.0.0.1:${address.port}`,
    built,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly built: string[];
  readonly registry: string;
}

async function answer({ incoming, response, built, registry }: Exchange): Promise<void> {
  const { pathname, searchParams: query } = new URL(incoming.url ?? "/", "http://engine");
  incoming.resume();
  if (incoming.method !== "GET") await once(incoming, "end");
  const record = (value: object) => response.end(`${JSON.stringify(value)}\n`);
  if (pathname === "/_ping") {
    response.end("OK");
  } else if (pathname === "/version") {
    record({ Version: "20.10.0", Os: "linux", Arch: "amd64" });
  } else if (pathname === "/build") {
    built.push(query.get("t") ?? "");
    record({ aux: { ID: `sha256:${sha256(Buffer.from(query.get("t") ?? ""))}` } });
  } else if (pathname.endsWith("/push")) {
    const [, repository = ""] = /^\/images\/[^/]+\/(.+)\/push$/.exec(decodeURIComponent(pathname)) ?? [];
    const tag = query.get("tag") ?? "";
    const authorization = basicOf(String(incoming.headers["x-registry-auth"]));
    const digest = await pushImage({ registry, repository, tag, authorization });
    record({ aux: { Tag: tag, Digest: digest } });
  } else if (pathname.endsWith("/tag")) {
    response.writeHead(201).end();
  } else if (incoming.method === "DELETE") {
    record([]);
  } else {
    response.writeHead(404, { "content-type": "application/json" });
    record({ message: "No such image" });
  }
}

interface Target {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** The Authorization header for the registry. */
  readonly authorization: string;
}

/** Turns the engine API's credentials into a Basic header for the registry. */
function basicOf(header: string): string {
  const { username, password }: { username: string; password: string } = JSON.parse(
    Buffer.from(header, "base64url").toString("utf8"),
  );
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Pushes an image of one small layer, which contains the tag and so differs from all others. Returns its digest. */
async function pushImage({ registry, repository, tag, authorization }: Target): Promise<string> {
  const base = `http://${registry}/v2/${repository}`;
  const layer = Buffer.from(`layer of ${tag}`);
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { Labels: { tag } },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: descriptor(types.config, config),
      layers: [descriptor(types.layer, layer)],
    }),
  );
  for (const blob of [layer, config]) await pushBlob(base, blob, authorization);
  await expect(201, `${base}/manifests/${tag}`, {
    method: "PUT",
    body: manifest,
    headers: { authorization, "content-type": types.manifest },
  });
  return `sha256:${sha256(manifest)}`;
}

const types = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
};

async function pushBlob(base: string, blob: Buffer, authorization: string): Promise<void> {
  const headers = { authorization };
  const begun = await expect(202, `${base}/blobs/uploads/`, { method: "POST", headers });
  const upload = new URL(begun.headers.get("location") ?? "", base);
  upload.searchParams.set("digest", `sha256:${sha256(blob)}`);
  await expect(201, upload.href, { method: "PUT", body: blob, headers });
}

interface Sent {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

async function expect(status: number, url: string, { body, ...sent }: Sent): Promise<Response> {
  const answered = await fetch(url, {
    ...sent,
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  if (answered.status === status) return answered;
  throw new Error(`${sent.method} ${url}: ${answered.status} ${await answered.text()}`);
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, size: bytes.length, digest: `sha256:${sha256(bytes)}` };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
