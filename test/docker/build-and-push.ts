import type { ECRClient } from "@aws-sdk/client-ecr";
import type Docker from "dockerode";
import { getRegistryAuth } from "../../lib/aws/registry.ts";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { pushImage } from "../../lib/docker/push.ts";
import { openSource } from "../../lib/docker/source.ts";

export interface PushOrder {
  readonly docker: Docker;
  /** The client that gets the token for the push. */
  readonly ecr: ECRClient;
  readonly folder: string;
  /** `host:port` */
  readonly registry: string;
  readonly repository: string;
}

/** Builds a folder as `up` does and pushes it under a tag derived from its content. Returns the digest. */
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
