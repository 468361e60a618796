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
  /** The name of the ECR repository: `berth/hello`. */
  readonly repository: string;
  /** `Source.tag`: a hash of the content, so that a pushed tag is never pushed again. */
  readonly tag: string;
}

/** Its `id` is the reference that a host pulls: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
export interface ObservedImage extends Observed {
  /** The manifest's digest: `sha256:…`. */
  readonly digest: string;
  /** `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello` */
  readonly repositoryUri: string;
  /** ISO 8601 in UTC. */
  readonly pushedAt: string;
}

export interface ImageOptions {
  /** Called only if there is something to push. An unchanged app needs no Docker engine. */
  readonly docker: () => Promise<Docker>;
  readonly source: Source;
  /** The name of the ECR repository, known before the repository exists. */
  readonly repository: string;
  /** `host:port` to push to instead of the registry's own name. See `Endpoints.registry`. */
  readonly registry?: string | undefined;
}

/**
 * The app's image in its repository, identified by content. It is found by the tag of the current source, and never by a
 * recorded id, because other content is another image. Old images stay in the repository for a rollback, subject to its
 * lifecycle policy.
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
        // A tag can't be overwritten. If somebody else pushed it first, they pushed the same content.
        const others = await find(ctx);
        if (others === undefined) throw error;
        return others.id;
      }
    },
    attributes: ({ tag }) => [{ field: "tag", value: tag }],
    differences: () => [],
    update: () => Promise.resolve(),
    // Deleting the repository deletes its images. Images have no resource tags by which they could be listed.
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
}

/** The reference that a host pulls. It names a digest, which nobody can point to another image. */
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
