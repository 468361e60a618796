import {
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ImageNotFoundException,
  RepositoryNotFoundException,
} from "@aws-sdk/client-ecr";
import type Docker from "dockerode";
import { getRegistryAuth, pushAddress } from "../../aws/registry.ts";
import { ensureBuilt } from "../../docker/build.ts";
import { pushImage } from "../../docker/push.ts";
import type { Source } from "../../docker/source.ts";
import { BerthError } from "../../errors.ts";
import type { Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface ImageDesired {
  /** Name of the ECR repository: `berth/hello`. */
  readonly repository: string;
  /** `Source.tag`: the content, so that a tag once pushed is never pushed again. */
  readonly tag: string;
}

/** Its `id` is what a host pulls, by digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
export interface ObservedImage extends Observed {
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  /** `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello` */
  readonly repositoryUri: string;
  /** ISO 8601, UTC. */
  readonly pushedAt: string;
}

export interface ImageOptions {
  /** Asked for only when there is something to push: an unchanged app needs no engine at all. */
  readonly docker: () => Promise<Docker>;
  readonly source: Source;
  /** Name of the ECR repository, known before the repository exists. */
  readonly repository: string;
  /** `host:port` to push to instead of the registry's own name, as in `Endpoints.registry`. */
  readonly registry?: string | undefined;
}

/**
 * The app's image in its repository, by content. It is found by the tag of the source it was opened with, whatever was
 * recorded before: other content is another image, and the old ones stay for a rollback until the repository's own
 * lifecycle policy takes them.
 */
export function imageResource(options: ImageOptions): Resource<ImageDesired, ObservedImage> {
  const { source, repository } = options;
  const find = (ctx: ReadContext) => findImage(ctx, { repository, tag: source.tag });
  return {
    kind: "image",
    find: (ctx) => find(ctx),
    create: async (ctx, _identity, desired) => {
      requireSameTag(source, desired);
      try {
        return await push(ctx, options);
      } catch (error) {
        if (!(error instanceof BerthError) || error.code !== "PushFailed") throw error;
        // A tag can't be overwritten. Whoever was first pushed the same content: that is what was wanted.
        const others = await find(ctx);
        if (others === undefined) throw error;
        return others.id;
      }
    },
    differences: () => [],
    update: () => Promise.resolve(),
    // Images go with their repository, and have no tags of their own to be listed by.
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
}

/** What a host pulls: by digest, so that nobody can move it. */
function reference(repositoryUri: string, digest: string): string {
  return `${repositoryUri}@${digest}`;
}

async function push(ctx: WriteContext, options: ImageOptions): Promise<string> {
  const { source, repository, registry } = options;
  const docker = await options.docker();
  const { signal, note: onProgress } = ctx;
  const { localTag } = await ensureBuilt({ docker, source, signal, onProgress });
  const [auth, repositoryUri] = await Promise.all([
    getRegistryAuth(ctx.clients.ecr, registry),
    getRepositoryUri(ctx, repository),
  ]);
  const address = pushAddress(repositoryUri, registry);
  const target = { repository: address, tag: source.tag, auth };
  const { digest } = await pushImage({ docker, localTag, ...target, signal, onProgress });
  return reference(repositoryUri, digest);
}

async function findImage(
  ctx: ReadContext,
  { repository, tag }: ImageDesired,
): Promise<ObservedImage | undefined> {
  try {
    const [{ imageDetails }, repositoryUri] = await Promise.all([
      ctx.clients.ecr.send(
        new DescribeImagesCommand({ repositoryName: repository, imageIds: [{ imageTag: tag }] }),
      ),
      getRepositoryUri(ctx, repository),
    ]);
    const { imageDigest, imagePushedAt } = imageDetails?.[0] ?? {};
    if (imageDigest === undefined) return undefined;
    const pushedAt = (imagePushedAt ?? new Date(0)).toISOString();
    const id = reference(repositoryUri, imageDigest);
    return { id, tags: {}, digest: imageDigest, repositoryUri, pushedAt };
  } catch (error) {
    if (error instanceof ImageNotFoundException || error instanceof RepositoryNotFoundException)
      return undefined;
    throw error;
  }
}

async function getRepositoryUri(ctx: ReadContext, repository: string): Promise<string> {
  const { repositories } = await ctx.clients.ecr.send(
    new DescribeRepositoriesCommand({ repositoryNames: [repository] }),
  );
  const uri = repositories?.[0]?.repositoryUri;
  if (uri === undefined) throw new Error(`ECR described the repository ${repository} without a URI`);
  return uri;
}

function requireSameTag(source: Source, desired: ImageDesired): void {
  if (desired.tag === source.tag) return;
  throw new BerthError({
    code: "SourceChanged",
    message: `the image ${desired.tag} was asked for, but the source is now ${source.tag}`,
    hint: "run the command again",
  });
}
