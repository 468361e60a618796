import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import { BerthError } from "../errors.ts";
import { printable } from "../printable.ts";
import { parseStrictJson } from "../strict-json.ts";
import { type Release, release } from "./schema.ts";

export const releaseKey = "release.json";

/** The published release and its version in the bucket. */
export interface Published {
  readonly release: Release;
  readonly etag: string;
}

/** Reads the published release. Throws BerthError `ReleaseDamaged` if the stored document isn't a release. */
export async function findRelease(store: ObjectStore): Promise<Published | undefined> {
  const found = await store.get(releaseKey);
  if (found === undefined) return undefined;
  return { release: parseRelease(found.body, `${store.location}/${releaseKey}`), etag: found.etag };
}

/** Throws BerthError `ReleaseDamaged` for anything that isn't a release. */
export function parseRelease(body: string, location: string): Release {
  try {
    return release.parse(parseStrictJson(body));
  } catch (error) {
    throw new BerthError({
      code: "ReleaseDamaged",
      message: `the desired release is not readable: ${location}: ${parseProblem(error)}. It is left as it is`,
      hint: `restore an earlier version of the object, or remove it: the next up writes it anew`,
      resource: "release",
      cause: error,
    });
  }
}

/** Describes for people where the JSON is wrong, and how. */
export function parseProblem(error: unknown): string {
  if (!(error instanceof z.ZodError))
    return printable(error instanceof Error ? error.message : String(error));
  const [issue] = error.issues;
  return printable(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`, 200);
}
