import { failCheck } from "./check.ts";
import type { Cluster } from "./cluster.ts";
import type { Roles } from "./compose-file.ts";
import { execute } from "./container.ts";
import { type Answer, ask, type Asking, readHeader } from "./http.ts";

export type Visit = (path: string, asking?: Asking) => Promise<Answer>;

/** Returns a function that requests a path through the edge, under a name that the app accepts. */
export async function openEdge(cluster: Cluster, { edge, app }: Roles): Promise<Visit> {
  const url = await cluster.getUrl(edge);
  const [container] = await cluster.listContainers(app);
  const name = findPublicName(container?.Config.Env ?? []);
  const host = name === undefined ? {} : { Host: name };
  // A page is soon there or never, unless the computer is slow.
  const timeoutMs = Math.max(60_000, cluster.timeoutMs);
  return (path, asking = {}) =>
    ask(`${url}${path}`, { timeoutMs, ...asking, headers: { ...host, ...asking.headers } });
}

/** The first name in DJANGO_ALLOWED_HOSTS, unless the address of this computer is accepted too. */
function findPublicName(environment: readonly string[]): string | undefined {
  const [, list = ""] = environment.map((one) => /^DJANGO_ALLOWED_HOSTS=(.*)$/.exec(one)).find(Boolean) ?? [];
  const names = list.split(",").map((one) => one.trim().replace(/^\./, ""));
  return names.some((one) => ["*", "127.0.0.1"].includes(one)) ? undefined : names.find(Boolean);
}

/** Requests the page through the edge, as a visitor does. Throws if there is none, with the failing service's name. */
export async function viewPage(
  cluster: Cluster,
  roles: Roles,
): Promise<{ count: number; servedBy: string; answer: Answer }> {
  const visit = await openEdge(cluster, roles);
  const answer = await visit("/");
  if (answer.status !== 200) {
    const gateway = [502, 503, 504].includes(answer.status);
    failCheck(
      gateway
        ? `${roles.edge} answers ${answer.status}: it can't get an answer from ${roles.app}`
        : `${roles.edge} answers ${answer.status} instead of the page`,
      {
        service: gateway ? roles.edge : roles.app,
        hint: gateway
          ? `compare the address in ${roles.edge}'s upstream with the port on which ${roles.app} listens`
          : `the log of ${roles.app} says more`,
      },
    );
  }
  return { ...readPage(answer), answer };
}

/** Reads the count. Throws unless it is both on the page for people and in the header for machines, with the same value. */
export function readPage(answer: Answer): { count: number; servedBy: string } {
  const shown = /id="count">(\d+)</.exec(answer.body)?.[1];
  if (shown === undefined || shown !== readHeader(answer, "x-page-views")) {
    failCheck(
      `the page shows the count ${shown ?? "nowhere"}, its header ${readHeader(answer, "x-page-views") || "nothing"}`,
    );
  }
  return { count: Number(shown), servedBy: readHeader(answer, "x-served-by") };
}

/** The number of views that Postgres has counted. */
export async function countInDatabase(cluster: Cluster, roles: Roles): Promise<number> {
  const output = await queryDatabase(cluster, roles, "SELECT count(*) FROM pageviews_pageview");
  if (!/^\d+$/.test(output))
    failCheck(`psql in ${roles.database} says: ${output}`, { service: roles.database });
  return Number(output);
}

/** Queries Postgres directly inside its container, without the app. Returns psql's unformatted output. */
export async function queryDatabase(cluster: Cluster, { database }: Roles, query: string): Promise<string> {
  const [container] = await cluster.getRunning(database);
  const psql = ["psql", "-XAtq", "-U", "postgres", "-d", "pageviews", "-v", "ON_ERROR_STOP=1", "-c", query];
  const { exitCode, output } = await execute(container, psql);
  if (exitCode !== 0) failCheck(`psql in ${database} says: ${output}`, { service: database });
  return output;
}
