import type { ECRClient } from "@aws-sdk/client-ecr";
import type Docker from "dockerode";
import { getRegistryAuth } from "../../lib/aws/registry.ts";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { pushImage } from "../../lib/docker/push.ts";
import { openSource } from "../../lib/docker/source.ts";

export interface PushOrder {
  readonly docker: Docker;
  /** Gives the token to push with. */
  readonly ecr: ECRClient;
  readonly folder: string;
  /** `host:port` */
  readonly registry: string;
  readonly repository: string;
}

/** Builds a folder as `up` does and pushes it under a tag of its content; its digest. */
export async function buildAndPush(order: PushOrder): Promise<string> {
  const { docker, ecr, folder, registry, repository } = order;
  const { signal } = new AbortController();
  const source = await openSource({ source: folder });
  const { localTag } = await ensureBuilt({ docker, source, signal });
  const { digest } = await pushImage({
    docker,
    localTag,
    repository: `${registry}/${repository}`,
    tag: source.tag,
    auth: await getRegistryAuth(ecr, registry),
    signal,
  });
  return digest;
}
