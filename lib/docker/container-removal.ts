import type Docker from "dockerode";
import { isNotFound } from "./connection.ts";

/** Stops a container and removes it with its anonymous volumes. Returns when it is gone. "Already gone" counts as success. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (isNotFound(error)) return;
    if (!isUnderWay(error)) throw error;
    // The container is already being removed, by somebody else or by itself: only wait until that is done.
    await container.wait({ condition: "removed" }).catch((waited: unknown) => {
      if (!isNotFound(waited)) throw waited;
    });
  }
}

function isUnderWay(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 409;
}
