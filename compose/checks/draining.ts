import type Docker from "dockerode";
import { type Look, lookUntil } from "../../lib/poll.ts";
import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import type { Roles } from "../compose-file.ts";
import { waitUntilReady } from "../health.ts";
import { pace } from "../pace.ts";
import { openEdge, queryDatabase, type Visit } from "../page.ts";

/** The advisory lock that every view takes, see dockerfiles/django/pageviews/models.py. Holding it stops all views midway. */
const countingLock = 7_266_883;
const locks = `FROM pg_locks WHERE locktype = 'advisory' AND objid = ${countingLock}`;
const visitors = 6;

/**
 * A stop is not a crash: requests that have begun are finished. All replicas are stopped, so no retry by nginx can hide
 * a lost answer.
 */
export function drainingChecks(roles: Roles): readonly Check[] {
  return [
    {
      between: `${roles.edge} → ${roles.app}`,
      name: `every ${roles.app} stopped: requests in flight are answered`,
      disruptive: true,
      run: (cluster) => checkDrained(cluster, roles),
    },
  ];
}

async function checkDrained(cluster: Cluster, roles: Roles): Promise<string> {
  const replicas = await cluster.getRunning(roles.app);
  const deadline = performance.now() + cluster.timeoutMs;
  let stop = await stopAndStart(cluster, roles, replicas);
  // On a slow computer, views may have given up their wait before all had come, or before they were let go. That says nothing
  // of the stop.
  while (!isTold(stop) && performance.now() < deadline) stop = await stopAndStart(cluster, roles, replicas);
  const { arrived, answers, exitCodes } = stop;
  if (arrived < visitors) failCheck(`${arrived} of ${visitors} views reached the database in time`);
  if (answers.some(isLost)) {
    failCheck(`of ${visitors} requests in flight, these were the answers: ${answers.join(", ")}`, {
      service: roles.app,
    });
  }
  if (exitCodes.some((code) => code !== 0)) {
    failCheck(`${roles.app} ended with exit codes ${exitCodes.join(", ")}`, { service: roles.app });
  }
  return `${visitors} of ${visitors} answered, exit code 0`;
}

interface Stop {
  /** How many views waited before the stop. */
  readonly arrived: number;
  /** How many of them still waited when they were let go. */
  readonly held: number;
  readonly answers: readonly string[];
  readonly exitCodes: readonly number[];
}

const isLost = (answer: string): boolean => answer !== "200";

const isTold = ({ arrived, held, answers }: Stop): boolean =>
  arrived === visitors && (held === visitors || !answers.some(isLost));

async function stopAndStart(
  cluster: Cluster,
  roles: Roles,
  replicas: readonly Docker.Container[],
): Promise<Stop> {
  const stop = await stopMidway(cluster, roles, replicas);
  await Promise.all(replicas.map((replica) => replica.start()));
  await waitUntilReady(cluster, { patient: true });
  return stop;
}

/** Stops the app while views are held, and lets these go. */
async function stopMidway(
  cluster: Cluster,
  roles: Roles,
  replicas: readonly Docker.Container[],
): Promise<Stop> {
  const visit = await openEdge(cluster, roles);
  const release = await holdViews(cluster, roles);
  const answers = Promise.all(Array.from({ length: visitors }, () => readAnswer(visit)));
  try {
    const arrived = await countLocks(cluster, roles, { granted: false, wanted: visitors });
    const stopped = Promise.all(replicas.map((replica) => replica.stop({ t: 30 })));
    // The signal arrives at once. The app must have handled it before the requests may continue. Postgres waits, because a
    // command in its container takes seconds on a busy computer, and the app waits for a lock for no more than eight.
    const held = await release(1);
    await stopped;
    const exitCodes = await Promise.all(replicas.map(async (one) => (await one.inspect()).State.ExitCode));
    return { arrived, held, answers: await answers, exitCodes };
  } catch (error) {
    // Nothing may wait for the lock after the check has ended.
    await release(0);
    throw error;
  }
}

/** The page's status, or the reason why there is none. */
const readAnswer = (visit: Visit): Promise<string> =>
  visit("/").then(
    ({ status }) => String(status),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

/** Stops every view inside its transaction until the returned function is called, which returns how many it lets go. */
async function holdViews(cluster: Cluster, roles: Roles): Promise<(afterSeconds: number) => Promise<number>> {
  const lock = `SELECT pg_advisory_lock(${countingLock}) IS NULL; SELECT pg_sleep(30) IS NULL`;
  // The query ends with an error, because it is cancelled.
  const held = queryDatabase(cluster, roles, lock).catch(() => "cancelled");
  await countLocks(cluster, roles, { granted: true, wanted: 1 });
  return async (afterSeconds) => {
    const pause = `SELECT pg_sleep(${afterSeconds}) IS NULL`;
    const waiting = `SELECT count(*) ${locks} AND NOT granted`;
    const cancel = `SELECT pg_cancel_backend(pid) ${locks} AND granted`;
    const output = await queryDatabase(cluster, roles, `${pause}; ${waiting}; ${cancel}`);
    await held;
    const [, count] = output.split("\n");
    return Number(count);
  };
}

/** Waits until the given number of sessions hold the lock or wait for it, for less time than it is held. Returns how many do. */
async function countLocks(
  cluster: Cluster,
  roles: Roles,
  { granted, wanted }: { readonly granted: boolean; readonly wanted: number },
): Promise<number> {
  const query = `SELECT count(*) ${locks} AND granted = ${granted}`;
  const look = async (): Promise<Look<number>> => {
    const count = Number(await queryDatabase(cluster, roles, query));
    return count >= wanted ? { done: count } : { waiting: String(count) };
  };
  const last = await lookUntil(pace(cluster), { what: "the views", timeoutMs: 20_000, look });
  return "done" in last ? last.done : Number(last.waiting);
}
