import { createHash } from "node:crypto";

/** The parts of a derived name. `name` is the logical name; a stack's first resource of a kind is named after the kind. */
export interface Named {
  readonly stack: string;
  readonly name: string;
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

// Berth chooses names, unlike ids. By its name a resource is found again where AWS can't filter by tag.

/** At most 63 characters. The account id makes the name unique in all of AWS. */
export function bucketName({ account, region }: Place, named: Named): string {
  return fit(`berth-${named.stack}-${account}-${region}${suffix(named, "bucket", "-")}`, 63);
}

export function repositoryName(named: Named): string {
  return `berth/${named.stack}${suffix(named, "repository", "/")}`;
}

/** Where the log groups of all stacks are. */
export const logGroupRoot = "/berth/";

export function logGroupName(named: Named): string {
  return `${logGroupRoot}${named.stack}${suffix(named, "log-group", "/")}`;
}

/** Where the metrics of a stack's hosts are. Each stack has its own, so that its hosts can't write another's. */
export const metricsNamespace = ({ stack }: Pick<Named, "stack">): string => `Berth/${stack}`;

/** `berth-hello-disk` for `alarm-disk`. */
export function alarmName(named: Named): string {
  return `${alarmPrefix(named)}${suffix(named, "alarm", "-").replace(/^-alarm-/, "-")}`;
}

/** What the names of all alarms of a stack begin with, and those of a stack with a longer name. */
export const alarmPrefix = ({ stack }: Pick<Named, "stack">): string => `berth-${stack}`;

export function topicName(named: Named): string {
  return `berth-${named.stack}${suffix(named, "topic", "-")}`;
}

/** The name contains the region because an account has one set of dashboards for all regions. */
export function dashboardName({ region }: Pick<Place, "region">, named: Named): string {
  return `berth-${named.stack}-${region}${suffix(named, "dashboard", "-")}`;
}

/** At most 64 characters. The name contains the region because IAM is global. */
export function roleName({ region }: Pick<Place, "region">, named: Named): string {
  return fit(`berth-${named.stack}-${region}${suffix(named, "role", "-")}`, 64);
}

export function instanceProfileName({ region }: Pick<Place, "region">, named: Named): string {
  return fit(`berth-${named.stack}-${region}${suffix(named, "instance-profile", "-")}`, 64);
}

/** The IAM path of everything that Berth creates in IAM, for every region. */
export const iamRoot = "/berth/";

/**
 * The IAM path of a region's roles and profiles. IAM is global: the path lets Berth list its own roles without reading
 * all others, and separates stacks of the same name in different regions.
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
