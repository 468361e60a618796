import { DescribeImagesCommand } from "@aws-sdk/client-ecr";
import { unlessAbsent } from "../aws/errors.ts";
import { parseSource } from "../aws/secrets.ts";
import { bucketOf, type Session } from "../command/session.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import { contentDefaults } from "../release/comparison.ts";
import { type Content, content, type Release } from "../release/schema.ts";
import { findPastRelease } from "../release/versions.ts";
import type { PastRelease } from "../release/history.ts";
import type { Hosts } from "./hosts.ts";

/** A release of the past, with all its values. */
export interface PastContent {
  readonly release: Release;
  /** What a new release of it holds: on the data volume of now. */
  readonly content: Content;
}

/**
 * Finds all values of a past release. Its record doesn't have those that may be secret, but the bucket keeps versions of
 * `release.json`.
 *
 * @throws BerthError `ReleaseForgotten`, `VolumeGone`.
 */
export async function getPastContent(
  session: Session,
  { number, at }: PastRelease,
  { dataVolume }: Pick<Hosts, "dataVolume">,
): Promise<PastContent> {
  const release = await findPastRelease(
    bucketOf(session),
    (one) => one.number === number && (at === undefined || one.at === at),
  );
  if (release === undefined)
    throw new BerthError({
      code: "ReleaseForgotten",
      message: `the values of release ${number} aren't kept any more: no version of release.json in ${session.names.bucket} has them`,
      hint: `choose another one from ${invocation("history")}, or put its source and berth.yaml back and run ${invocation("up")}`,
    });
  const { dataVolume: _earlier, ...rest } = release;
  const hasVolumes = Object.keys(release.volumes).length > 0;
  if (hasVolumes && dataVolume === undefined)
    throw new BerthError({
      code: "VolumeGone",
      message: `release ${number} has volumes, and the stack has no data volume any more`,
      hint: `put app.volumes back into berth.yaml and run ${invocation("up")}`,
    });
  return {
    release,
    content: content.parse({ ...contentDefaults, ...rest, ...(hasVolumes ? { dataVolume } : {}) }),
  };
}

/** @throws BerthError `ImageGone` if the registry doesn't have the image: no host could pull it. */
export async function requireImage({ ctx, names }: Session, { number, image }: Release): Promise<void> {
  const imageDigest = image.split("@")[1];
  const command = new DescribeImagesCommand({
    repositoryName: names.repository,
    imageIds: [{ imageDigest }],
  });
  const found = await unlessAbsent(ctx.clients.ecr.send(command));
  if (found?.imageDetails?.[0] !== undefined) return;
  throw new BerthError({
    code: "ImageGone",
    message: `the image of release ${number} is gone: ${names.repository} has no ${imageDigest ?? image}`,
    hint: `put its source back and run ${invocation("up")}, which builds it again`,
  });
}

/**
 * The hosts' role may read what `up` saw in app.secrets last. What the published release has was among that, even if
 * berth.yaml names it no more.
 *
 * @throws BerthError `SecretUndeclared`.
 */
export function requireSecrets({ config }: Session, { number, secrets }: Release, published: Release): void {
  const readable = new Set(
    [config.app.secrets, published.secrets].flatMap((all) => Object.values(all)).map(sourceOf),
  );
  const missing = Object.entries(secrets)
    .map(([variable, version]) => ({ variable, source: sourceOf(version) }))
    .filter(({ source }) => !readable.has(source));
  if (missing.length === 0) return;
  const named = missing.map(({ variable, source }) => `${variable}: ${source}`).join(", ");
  throw new BerthError({
    code: "SecretUndeclared",
    message: `release ${number} has secrets that berth.yaml doesn't name (${named}), and the host may read only what app.secrets names`,
    hint: `put them back into app.secrets and run ${invocation("up")} first, or choose another release from ${invocation("history")}`,
    exitCode: exitCodes.badInput,
  });
}

/** Without the version that a release adds. */
function sourceOf(source: string): string {
  const { service, name } = parseSource(source);
  return `${service}:${name}`;
}
