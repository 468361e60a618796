import { randomBytes } from "node:crypto";
import { chmod, chown, copyFile, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BerthError } from "../lib/errors.ts";
import { Cluster, type ClusterParts, quote } from "./cluster.ts";
import { type ComposeSource, ownFile, readComposeFile } from "./compose-file.ts";
import type { ToolRun } from "./compose-tool.ts";
import { type Inventory, takeInventory } from "./inventory.ts";
import { type IsolatedFile, isolateFile } from "./isolation/isolate.ts";

interface OwnParts extends ClusterParts {
  readonly isolated: IsolatedFile;
  /** Holds the copy of the file, and copies of the files that it mounts. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** True if the cluster stays when the test has ended. */
  readonly keep: boolean;
  /** What the engine held before the run. */
  readonly before: Inventory;
}

/** A project of the test's own, made from a copy of the file. Only such a project is created, changed and removed. */
export class OwnCluster extends Cluster {
  readonly isolated: IsolatedFile;
  readonly folder: string;
  readonly before: Inventory;
  /** Every volume that a container of this project had, by the engine's name. */
  readonly volumesSeen = new Set<string>();
  readonly #parts: OwnParts;

  constructor(parts: OwnParts, project: string) {
    super(parts, project);
    this.isolated = parts.isolated;
    this.folder = parts.folder;
    this.before = parts.before;
    this.#parts = parts;
  }

  /** The copy of the file that docker-compose uses. */
  get copyPath(): string {
    return join(this.folder, "docker-compose.yml");
  }

  override get stays(): boolean {
    return this.#parts.keep;
  }

  override get startedFrom(): string {
    return this.copyPath;
  }

  override adviseLook(service: string): string {
    if (this.stays) return super.adviseLook(service);
    const file = this.file.path === ownFile ? "" : `--file ${quote(this.file.path)} `;
    return `npm run smoke -- ${file}--keep leaves the cluster running, so that you can look at ${service}`;
  }

  /** Runs docker-compose for this project. The caller has to check the exit code. */
  compose(args: readonly string[], signal: AbortSignal | undefined = this.signal): Promise<ToolRun> {
    // A folder of the test's own contains no .env that would change anything.
    const place = ["-f", this.copyPath, "--project-directory", this.folder, "-p", this.project];
    return this.tool.run([...place, ...args], { environment: this.#parts.environment, signal });
  }
}

/** For checks that create or remove containers. Throws for a cluster that isn't the test's own. */
export function getOwn(cluster: Cluster): OwnCluster {
  if (cluster instanceof OwnCluster) return cluster;
  throw new BerthError({
    code: "NotIsolated",
    message: `project ${cluster.project} isn't the test's own, so nothing of it is made or removed`,
    hint: "leave --running out: a cluster of its own is started and removed",
  });
}

/**
 * Plans a project under a unique name. Variables come from the user's environment and `.env`, as for the user's own
 * cluster: nothing of what they can name is used as it is. Writes copies of the file and of what it
 * mounts, and starts nothing. Throws `NotIsolated` when the project would reach anything beyond itself.
 */
export async function planOwnCluster(
  source: ComposeSource,
  { keep = false, ...parts }: Omit<ClusterParts, "file"> & { readonly keep?: boolean },
): Promise<OwnCluster> {
  const project = `berth-smoke-${randomBytes(4).toString("hex")}`;
  const environment = readOwnEnvironment();
  const file = await readComposeFile(source, { ...parts, environment, project });
  const folder = await mkdtemp(join(tmpdir(), `${project}-`));
  try {
    const isolated = await isolateFile(file.resolved, { path: source.path, project, folder });
    const before = await takeInventory(parts.docker);
    const cluster = new OwnCluster({ ...parts, file, isolated, folder, environment, keep, before }, project);
    // JSON is YAML that both versions read in the same way. It may contain passwords, so only the owner may read it.
    const content = JSON.stringify(isolated.content, null, 2);
    await writeFile(cluster.copyPath, content, { mode: 0o600 });
    for (const copy of isolated.files) await copyWithOwner(copy.source, copy.path);
    return cluster;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function copyWithOwner(source: string, path: string): Promise<void> {
  const { mode, uid, gid } = await stat(source);
  await copyFile(source, path);
  if (process.getuid?.() === 0) await chown(path, uid, gid);
  await chmod(path, mode & 0o7777);
}

/** The user's settings, which win over those in `.env`. The file and the name of the project are the run's own. */
const readOwnEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^COMPOSE_(FILE|PROJECT_NAME)$/.test(name)),
  );
