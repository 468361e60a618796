import type { ObjectStore } from "../../state/object-store.ts";
import { shortHash } from "../short-hash.ts";
import { imageText, minuteText, type Rollout, shortCaller } from "./figures.ts";
import { readRecord, recordKey, type ReleaseRecord } from "./record.ts";

/** The release that serves, where it isn't the one that was published last. Only its number is known without a record. */
export interface Serving extends Partial<Pick<ReleaseRecord, "image" | "commit" | "at" | "by">> {
  readonly number: number;
  /** Why its record can't be read. */
  readonly problem?: string;
}

/** Reads nothing where the published release serves, or none. */
export async function readServing(
  store: ObjectStore,
  published: number | undefined,
  { serves }: Pick<Rollout, "serves"> = {},
): Promise<Serving | undefined> {
  if (serves === undefined || serves === published) return undefined;
  const { record, problem } = await readRecord(store, serves);
  if (record === undefined)
    return {
      number: serves,
      ...(problem === undefined ? {} : { problem: `${recordKey(serves)}: ${problem}` }),
    };
  const { image, commit, at, by } = record;
  return { number: serves, image, commit, at, by };
}

/** One line, as the lines of the published release come before it. */
export function servingLines(serving: Serving | undefined): string[] {
  if (serving === undefined) return [];
  const { number, image, commit, at, by, problem } = serving;
  const known = [
    ...(at === undefined ? [] : [`published ${minuteText(at)}`]),
    ...(by === undefined ? [] : [`by ${shortCaller(by)}`]),
    ...(image === undefined ? [] : [`image ${imageText(image)}`]),
    ...(commit === undefined ? [] : [`commit ${shortHash(commit)}`]),
  ];
  const text = known.length === 0 ? (problem ?? "whose record is lost") : known.join(", ");
  return [`serves      ${number}, ${text}`];
}
