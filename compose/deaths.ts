import { text as readText } from "node:stream/consumers";
import { z } from "zod";
import type { Cluster } from "./cluster.ts";

/** The end of a container, which may run again by now. */
export interface Death {
  readonly service: string;
  readonly container: string;
  readonly exitCode: number;
}

const clock = z.object({ SystemTime: z.coerce.date() });

const event = z.object({
  Actor: z.object({
    ID: z.string(),
    Attributes: z.object({
      exitCode: z.coerce.number(),
      "com.docker.compose.service": z.string(),
    }),
  }),
});

/** The engine's own time, in milliseconds. */
export async function readClock({ docker }: Cluster): Promise<number> {
  return clock.parse(await docker.info()).SystemTime.getTime();
}

/**
 * The ends of the cluster's containers between two times of the engine's clock, in milliseconds. Waits for one that is
 * still to come. The engine knows its last 256 events.
 */
export async function listDeaths(
  { docker, project, signal }: Cluster,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): Promise<readonly Death[]> {
  const label = [`com.docker.compose.project=${project}`, "com.docker.compose.oneoff=False"];
  const filters = { type: ["container" as const], event: ["die"], label };
  // The engine ends the answer by itself.
  const events = await readText(
    await docker.getEvents({ since: sinceMs / 1000, until: untilMs / 1000, filters }),
  );
  signal.throwIfAborted();
  return events
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const { ID: container, Attributes: said } = event.parse(JSON.parse(line)).Actor;
      return { service: said["com.docker.compose.service"], container, exitCode: said.exitCode };
    });
}
