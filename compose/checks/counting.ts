import { z } from "zod";
import { type Look, lookUntil } from "../../lib/poll.ts";
import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import type { Roles } from "../compose-file.ts";
import { readLogTail } from "../container.ts";
import { readHeader } from "../http.ts";
import { pace } from "../pace.ts";
import { countInDatabase, openEdge, readPage, viewPage } from "../page.ts";

/** Checks through all three services: each view adds one, and Postgres has the same count. */
export function countingChecks(roles: Roles): readonly Check[] {
  const all = `host → ${roles.edge} → ${roles.app} → ${roles.database}`;
  const front = `${roles.edge} → ${roles.app}`;
  return [
    { between: all, name: "the count rises by one each time", run: (cluster) => checkRise(cluster, roles) },
    {
      between: front,
      name: "HEAD and health count nothing",
      run: (cluster) => checkUncounted(cluster, roles),
    },
    { between: front, name: "static files come through", run: (cluster) => checkStatic(cluster, roles) },
    { between: front, name: "a wrong Host is refused", run: (cluster) => checkHost(cluster, roles) },
    {
      between: front,
      name: "visitors can't forge what the app trusts",
      run: (cluster) => checkForged(cluster, roles),
    },
    {
      between: front,
      name: "a request keeps its id, and is logged",
      run: (cluster) => checkRequestId(cluster, roles),
    },
    {
      between: `host → ${roles.edge}`,
      name: "security headers, each once",
      run: (cluster) => checkHeaders(cluster, roles),
    },
  ];
}

async function checkRise(cluster: Cluster, roles: Roles): Promise<string> {
  const before = await countInDatabase(cluster, roles);
  for (let wanted = before + 1; wanted <= before + 5; wanted += 1) {
    const { count } = await viewPage(cluster, roles);
    if (count !== wanted)
      failCheck(`the page shows ${count} where ${wanted} comes next`, { service: roles.app });
  }
  const after = await countInDatabase(cluster, roles);
  if (after !== before + 5)
    failCheck(`Postgres counts ${after}, the page ${before + 5}`, { service: roles.database });
  return `${before} → ${after}, and Postgres counts ${after}`;
}

async function checkUncounted(cluster: Cluster, roles: Roles): Promise<string> {
  const visit = await openEdge(cluster, roles);
  const before = await countInDatabase(cluster, roles);
  const head = await visit("/", { method: "HEAD" });
  const paths = ["/nginx-health", "/livez", "/readyz"];
  const answers = await Promise.all(paths.map((path) => visit(path)));
  for (const [at, { status }] of [...answers, head].entries()) {
    if (status !== 200) failCheck(`${paths[at] ?? "HEAD /"} answers ${status}`);
  }
  const after = await countInDatabase(cluster, roles);
  if (after !== before) failCheck(`the count rose from ${before} to ${after} without a view`);
  return [...paths, "HEAD /"].join(", ");
}

async function checkStatic(cluster: Cluster, roles: Roles): Promise<string> {
  const { answer } = await viewPage(cluster, roles);
  const path = /<link rel="stylesheet" href="([^"]+)"/.exec(answer.body)?.[1];
  if (path === undefined) return failCheck("the page names no style sheet");
  const visit = await openEdge(cluster, roles);
  const sheet = await visit(path);
  const caching = readHeader(sheet, "cache-control");
  if (sheet.status !== 200 || !readHeader(sheet, "content-type").startsWith("text/css")) {
    failCheck(`${path} answers ${sheet.status}, ${readHeader(sheet, "content-type")}`, {
      service: roles.app,
    });
  }
  if (!caching.includes("immutable")) failCheck(`${path} may not be kept: ${caching}`);
  return `${path.split("/").at(-1)}, ${sheet.body.length} bytes`;
}

async function checkHost(cluster: Cluster, roles: Roles): Promise<string> {
  const before = await countInDatabase(cluster, roles);
  const visit = await openEdge(cluster, roles);
  const { status } = await visit("/", { headers: { Host: "evil.example" } });
  if (status !== 400)
    failCheck(`Host: evil.example is answered with ${status} instead of 400`, { service: roles.app });
  if ((await countInDatabase(cluster, roles)) !== before) failCheck("a refused request was counted");
  return "400, and nothing is counted";
}

async function checkForged(cluster: Cluster, roles: Roles): Promise<string> {
  const visit = await openEdge(cluster, roles);
  const headers = { "X-Attempt-Key": "00000000000000000000000000000001", "X-Forwarded-Proto": "gopher" };
  const first = readPage(await visit("/", { headers })).count;
  const second = readPage(await visit("/", { headers })).count;
  if (second !== first + 1)
    failCheck(`a visitor's own X-Attempt-Key reached ${roles.app}: ${first}, then ${second}`);
  return "their headers are overwritten";
}

async function checkRequestId(cluster: Cluster, roles: Roles): Promise<string> {
  const id = `smoke-${process.pid}-${Date.now()}`;
  const visit = await openEdge(cluster, roles);
  const answer = await visit("/", { headers: { "X-Request-ID": id } });
  if (readHeader(answer, "x-request-id") !== id)
    failCheck(`sent id ${id}, got ${readHeader(answer, "x-request-id")}`);
  const status = (await findLogLine(cluster, roles.edge, id))?.upstream_status;
  if (status !== "200") {
    failCheck(`the access log of ${roles.edge} has no line with this id and an upstream status`);
  }
  return `upstream_status ${status} in the log of ${roles.edge}`;
}

const logLine = z.looseObject({ request_id: z.string(), upstream_status: z.string() });

/** nginx writes its log line after it has answered, so the line may appear a moment later. */
async function findLogLine(cluster: Cluster, service: string, id: string) {
  const [container] = await cluster.getRunning(service);
  const look = async (): Promise<Look<z.infer<typeof logLine>>> => {
    const line = (await readLogTail(container, 50)).find((one) => one.includes(id));
    return line === undefined
      ? { waiting: "no line with the id" }
      : { done: logLine.parse(JSON.parse(line)) };
  };
  const last = await lookUntil(pace(cluster), { what: "the log line", timeoutMs: cluster.timeoutMs, look });
  return "done" in last ? last.done : undefined;
}

const securityHeaders = [
  "content-security-policy",
  "x-content-type-options",
  "x-frame-options",
  "referrer-policy",
  "cross-origin-opener-policy",
  "permissions-policy",
];

async function checkHeaders(cluster: Cluster, roles: Roles): Promise<string> {
  const { answer } = await viewPage(cluster, roles);
  const server = readHeader(answer, "server");
  if (/\d/.test(server)) failCheck(`Server: ${server} tells the version`);
  for (const name of securityHeaders) {
    const value = answer.headers[name];
    // Node joins repeated headers with a comma, so a header that is sent twice reads `value, value`.
    if (value === undefined) failCheck(`the header ${name} is missing`, { service: roles.edge });
    if (/^([\w-]+), \1$/.test(String(value))) failCheck(`the header ${name} is sent twice: ${String(value)}`);
  }
  return `${securityHeaders.length} headers, no version`;
}
