import { createHash } from "node:crypto";

/** What a derived name is made of. `name` is the logical name; the stack's first of a kind is called like the kind. */
export interface Named {
  readonly stack: string;
  readonly name: string;
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

// Names, unlike ids, are chosen by Berth: they find a resource again where AWS has no filter by tag.

/** At most 63 characters, unique in all of AWS by the account id. */
export function bucketName({ account, region }: Place, named: Named): string {
  return fit(`berth-${named.stack}-${account}-${region}${suffix(named, "bucket", "-")}`, 63);
}

export function repositoryName(named: Named): string {
  return `berth/${named.stack}${suffix(named, "repository", "/")}`;
}

/** At most 64 characters. IAM knows no regions, so the name does. */
export function roleName({ region }: Pick<Place, "region">, named: Named): string {
  return fit(`berth-${named.stack}-${region}${suffix(named, "role", "-")}`, 64);
}

export function instanceProfileName({ region }: Pick<Place, "region">, named: Named): string {
  return fit(`berth-${named.stack}-${region}${suffix(named, "instance-profile", "-")}`, 64);
}

/** All that Berth keeps in IAM, of every region. */
export const iamRoot = "/berth/";

/**
 * Where the roles and profiles of a region are kept in IAM, which itself knows no regions: they are listed without reading
 * everybody's, and a stack of the same name in another region has others.
 */
export const iamPath = ({ region }: Pick<Place, "region">): string => `${iamRoot}${region}/`;

function suffix(named: Named, kind: string, separator: string): string {
  return named.name === kind ? "" : `${separator}${named.name}`;
}

function fit(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${name.slice(0, longest - 9).replace(/-+$/, "")}-${hash}`;
}
