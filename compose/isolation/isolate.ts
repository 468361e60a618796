import { asText, type ResolvedFile, type Table } from "../resolved-file.ts";
import { Findings } from "./findings.ts";
import { BuiltImages } from "./images.ts";
import type { Surroundings } from "./rule.ts";
import { serviceRules } from "./service-keys.ts";
import { BindMounts, type FileCopy, type FolderCopy } from "./service-mounts.ts";
import { isolateFiles, isolateNetworks, isolateVolumes } from "./top-level.ts";

export interface IsolatedFile {
  /** The whole file, without any name that exists outside the project. */
  readonly content: Table;
  /** The names of the images that are built. They are removed at the end. */
  readonly tags: readonly string[];
  readonly folders: readonly FolderCopy[];
  readonly files: readonly FileCopy[];
  /** The user's things that are not used, each with its replacement. */
  readonly replaced: readonly string[];
}

export interface Isolating {
  readonly path: string;
  readonly project: string;
  /** A folder for this run only, which gets the copies of single files. */
  readonly folder: string;
}

/**
 * Rewrites the file so that it can run beside the user's own cluster: no name, path, port, image tag or privilege in it
 * reaches anything that wasn't made for this run. Throws `NotIsolated` for what can't be isolated. Copies nothing and
 * starts nothing.
 */
export async function isolateFile(
  file: ResolvedFile,
  { path, project, folder }: Isolating,
): Promise<IsolatedFile> {
  const findings = new Findings();
  refuseUnknownParts(file, findings);
  const images = new BuiltImages(file, project);
  const mounts = new BindMounts(folder);
  await mounts.decide(file, findings);
  const names = new Set(Object.keys(file.services));
  const services = mapValues(file.services, (table, service) =>
    isolateService({ service, table, services: names, images, mounts, findings }),
  );
  const copies = Object.fromEntries(mounts.volumes.map((volume) => [volume, {}]));
  const content = {
    services,
    networks: isolateNetworks(file.networks, project, findings),
    volumes: { ...isolateVolumes(file.volumes, project, findings), ...copies },
    secrets: await isolateFiles("secrets", file, findings),
    configs: await isolateFiles("configs", file, findings),
  };
  findings.throwProblems(path);
  return {
    content: Object.fromEntries(Object.entries(content).filter(([, part]) => Object.keys(part).length > 0)),
    tags: images.tags,
    folders: mounts.folders,
    files: mounts.files,
    replaced: findings.replaced,
  };
}

function isolateService(around: Surroundings): Table {
  const { table, findings, service, images } = around;
  const rewritten = Object.entries(table).flatMap(([key, value]): readonly (readonly [string, unknown])[] => {
    if (key.startsWith("x-")) return [];
    const rule = serviceRules.get(key);
    if (rule === undefined) {
      findings.refuse(`services.${service}.${key}`, "nobody has looked where this key leads", "take it out");
      return [];
    }
    const left = value === null ? null : rule(value, around, key);
    return left === undefined ? [] : [[key, left]];
  });
  const name = asText(table["container_name"]);
  if (name !== undefined)
    findings.replace(`services.${service}.container_name (${name})`, "a name of the project's");
  const tag = images.find(service, table);
  return { ...Object.fromEntries(rewritten), ...(tag === undefined ? {} : { image: tag }) };
}

const knownParts = new Set(["name", "version", "services", "networks", "volumes", "secrets", "configs"]);

function refuseUnknownParts(file: ResolvedFile, findings: Findings): void {
  for (const [key, value] of Object.entries(file)) {
    if (knownParts.has(key) || key.startsWith("x-")) continue;
    // Version 2 may write empty sections.
    if (value === null || (typeof value === "object" && Object.keys(value).length === 0)) continue;
    findings.refuse(key, "nobody has looked where this part leads", "take it out");
  }
}

const mapValues = (
  tables: Readonly<Record<string, Table>>,
  map: (table: Table, key: string) => Table,
): Readonly<Record<string, Table>> =>
  Object.fromEntries(Object.entries(tables).map(([key, table]) => [key, map(table, key)]));
