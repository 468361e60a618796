import type Docker from "dockerode";
import { isNotFound } from "./engine.ts";

/** Ends a container and takes its own volumes away; returns when it is gone. "Already gone" is success. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (isNotFound(error)) return;
    if (!isUnderWay(error)) throw error;
    // Somebody else, or the container itself, is at it: nothing to do but to see the end of it.
    await container.wait({ condition: "removed" }).catch((waited: unknown) => {
      if (!isNotFound(waited)) throw waited;
    });
  }
}

function isUnderWay(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 409;
}
