import { text as readText } from "node:stream/consumers";
import type Docker from "dockerode";
import { extract } from "tar-stream";
import { z } from "zod";
import { BerthError } from "../lib/errors.ts";
import { isNotFound } from "../lib/docker/connection.ts";
import type { Cluster } from "./cluster.ts";
import { readLogTail } from "./container.ts";
import { readMounts } from "./mounts.ts";
import type { Verdict } from "./verdict.ts";

interface Cause {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Explains why a service isn't ready, as an error with the tail of its log and a hint. */
export async function explainTrouble(cluster: Cluster, verdict: Verdict): Promise<BerthError> {
  const { service, reason } = verdict;
  const containers = await cluster.listContainers(service);
  const container = containers.find(({ Id }) => Id === verdict.container) ?? containers[0];
  const log = container === undefined ? [] : await readLogTail(cluster.docker.getContainer(container.Id), 15);
  const cause = (container && (await findCause(cluster, verdict, container))) ?? {
    code: "ServiceNotReady",
    message: "",
    hint: cluster.adviseLook(service),
  };
  return new BerthError({
    code: cause.code,
    message: `service ${service}: ${reason}${cause.message === "" ? "" : `. ${cause.message}`}`,
    hint: cause.hint,
    resource: service,
    detail: log,
  });
}

/** The failed check's error, with the tail of the log of the service that it names. */
export async function addLog(error: BerthError, cluster: Cluster): Promise<BerthError> {
  const { resource, code, message, hint, detail } = error;
  if (resource === undefined || detail.length > 0) return error;
  const { detail: log } = await explainTrouble(cluster, {
    service: resource,
    state: "failed",
    reason: message,
  });
  return new BerthError({
    code,
    message,
    resource,
    detail: log,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

// Recognises causes only by machine-readable signs: a version file, a SQLSTATE, a field of JSON. Never by the text of a
// message.
async function findCause(
  cluster: Cluster,
  { service, reason }: Verdict,
  container: Docker.ContainerInspectInfo,
): Promise<Cause | undefined> {
  const { roles } = cluster.file;
  if (roles === undefined) return undefined;
  if (service === roles.database) return findOldVolume(cluster, container);
  return (
    findMissingMigrations(cluster, reason, roles.migrations) ??
    (await findRefusedLogin(cluster, roles.database))
  );
}

/** PostgreSQL doesn't start with the files of another major version. */
async function findOldVolume(
  cluster: Cluster,
  info: Docker.ContainerInspectInfo,
): Promise<Cause | undefined> {
  const variable = (name: string) =>
    info.Config.Env.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const wanted = variable("PG_MAJOR");
  const folder = variable("PGDATA") ?? "/var/lib/postgresql/data";
  const found = await readFileOf(cluster.docker.getContainer(info.Id), `${folder}/PG_VERSION`);
  if (wanted === undefined || found === undefined || found === wanted) return undefined;
  const volume = info.Mounts.find(({ Destination }) => folder.startsWith(Destination))?.Name ?? folder;
  return {
    code: "OldDatabaseVolume",
    message: `The volume ${volume} was made by PostgreSQL ${found}, and the image is PostgreSQL ${wanted}`,
    hint: `go back to postgres:${found}, dump, and load the dump into a new volume: docs/cluster.md, "A newer Postgres". Nothing was deleted`,
  };
}

const readiness = z.object({ migrations_missing: z.array(z.string()) });

/** Reads the app's own answer, as its health check printed it. */
function findMissingMigrations(cluster: Cluster, reason: string, migrations: string): Cause | undefined {
  const said = readiness.safeParse(parseObject(reason));
  if (!said.success) return undefined;
  return {
    code: "MigrationsMissing",
    message: `the database lacks migrations: ${said.data.migrations_missing.join(", ")}`,
    hint: `${cluster.stays ? `${cluster.explain(`run --rm ${migrations}`)}; and ` : ""}see why service ${migrations} didn't make them`,
  };
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(/\{.*\}/s.exec(text)?.[0] ?? "null");
  } catch (error) {
    // Text in braces that isn't JSON isn't the app's answer.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** 28P01, invalid_password: https://www.postgresql.org/docs/17/errcodes-appendix.html */
async function findRefusedLogin(cluster: Cluster, database: string): Promise<Cause | undefined> {
  const [container] = await cluster.listContainers(database);
  if (container === undefined) return undefined;
  const log = await readLogTail(cluster.docker.getContainer(container.Id), 50);
  // The code must follow the process id, as log_line_prefix in docker-compose.yml sets it. Elsewhere it could be any
  // text.
  if (!log.some((line) => /\[\d+\] 28P01 /.test(line))) return undefined;
  return {
    code: "DatabasePasswordRefused",
    message: `service ${database} refused the password (SQLSTATE 28P01)`,
    hint:
      cluster.stays && hasPasswordScript(cluster, database)
        ? `${cluster.explain(`exec ${database} bash ${passwordScript}`)} gives it the password that the app has; docs/cluster.md, "Passwords"`
        : `compare the password that ${database} has with the one that the app is given`,
  };
}

const passwordScript = "/opt/set-app-password.sh";

const hasPasswordScript = ({ file }: Cluster, database: string): boolean =>
  readMounts(file.resolved.services[database] ?? {}).some(({ target }) => target === passwordScript);

async function readFileOf(container: Docker.Container, path: string): Promise<string | undefined> {
  try {
    const unpacked = extract();
    (await container.getArchive({ path })).pipe(unpacked);
    for await (const entry of unpacked) {
      return (await readText(entry)).trim();
    }
    return undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
