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

/** The containers of the cluster that end in this time. */
export async function awaitDeaths(cluster: Cluster, watchMs: number): Promise<readonly Death[]> {
  // The engine ends the answer by itself, by its own clock.
  const { SystemTime: now } = clock.parse(await cluster.docker.info());
  const until = Math.ceil((now.getTime() + watchMs) / 1000);
  const events = await readText(await cluster.docker.getEvents({ until, filters: filtersOf(cluster) }));
  cluster.signal.throwIfAborted();
  return parseDeaths(events);
}

export interface DeathWatch extends Disposable {
  /** Those since the watch began, the oldest first. */
  list(): readonly Death[];
}

/** Notes each container of the cluster that ends from now on. Of the past, the engine knows but its last 256 events. */
export async function watchDeaths(cluster: Cluster): Promise<DeathWatch> {
  const events = await cluster.docker.getEvents({ filters: filtersOf(cluster) });
  let told = "";
  events.setEncoding("utf8");
  events.on("data", (text: string) => (told += text));
  // An engine that goes away fails whatever is watched.
  events.on("error", () => {});
  return {
    list: () => parseDeaths(told.slice(0, told.lastIndexOf("\n") + 1)),
    [Symbol.dispose]: () => {
      if ("destroy" in events && typeof events.destroy === "function") events.destroy();
    },
  };
}

const filtersOf = ({ project }: Cluster) => ({
  type: ["container" as const],
  event: ["die"],
  label: [`com.docker.compose.project=${project}`, "com.docker.compose.oneoff=False"],
});

function parseDeaths(events: string): readonly Death[] {
  return events
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const { ID: container, Attributes: said } = event.parse(JSON.parse(line)).Actor;
      return { service: said["com.docker.compose.service"], container, exitCode: said.exitCode };
    });
}
