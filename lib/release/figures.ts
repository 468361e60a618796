import type { HostReport } from "./reports.ts";
import type { Release } from "./schema.ts";

/** What a user is told of a release: everything but what the configuration says. */
export type ReleaseFigures = Pick<Release, "number" | "image" | "commit" | "at" | "by">;

/** What the edge counted since the release serves, or since the host's converger was started. It retries, so that clients see less of it. */
export interface AppFigures {
  /** How often a replica was asked. */
  readonly tries: number;
  /** How often the answer was a 5xx, or none. */
  readonly errors: number;
}

export const releaseFigures = ({ number, image, commit, at, by }: Release): ReleaseFigures => ({
  number,
  image,
  commit,
  at,
  by,
});

/** Of all hosts together that serve the release. Undefined as long as none has told. */
export function sumFigures(release: number, reports: readonly HostReport[]): AppFigures | undefined {
  const told = reports.flatMap((one) => (one.release === release && one.upstream ? one.upstream : []));
  if (told.length === 0) return undefined;
  const sum = (of: (figures: AppFigures) => number) => told.reduce((total, one) => total + of(one), 0);
  return { tries: sum(({ tries }) => tries), errors: sum(({ errors }) => errors) };
}

const shortDigits = 12;

/** For people: what runs, from where, since when and by whom. */
export function releaseLines(release: ReleaseFigures | undefined): string[] {
  if (release === undefined) return ["release     none"];
  const { number, image, commit, at, by } = release;
  const digest = image.split("@sha256:")[1]?.slice(0, shortDigits) ?? image;
  return [
    `release     ${number}, since ${at} by ${by}`,
    `image       ${digest}`,
    `commit      ${commit?.slice(0, shortDigits) ?? "unknown: the source is in no repository"}`,
  ];
}

export function appLine(app: AppFigures | undefined): string {
  if (app === undefined) return "app         not counted yet";
  return `app         ${app.errors} of ${app.tries} tries failed`;
}
