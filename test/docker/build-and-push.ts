import type Docker from "dockerode";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { pushImage } from "../../lib/docker/push.ts";
import { openSource } from "../../lib/docker/source.ts";

export interface PushOrder {
  readonly docker: Docker;
  readonly folder: string;
  /** `host:port` */
  readonly registry: string;
  readonly repository: string;
}

/** Builds a folder as `up` does and pushes it under a tag of its content; its digest. */
export async function buildAndPush({ docker, folder, registry, repository }: PushOrder): Promise<string> {
  const { signal } = new AbortController();
  const source = await openSource({ source: folder });
  const { localTag } = await ensureBuilt({ docker, source, signal });
  const { digest } = await pushImage({
    docker,
    localTag,
    repository: `${registry}/${repository}`,
    tag: source.tag,
    auth: { username: "AWS", password: "any", serverAddress: registry },
    signal,
  });
  return digest;
}
