import { asTable, asText, type ResolvedFile, type Table } from "../resolved-file.ts";
import type { Findings } from "./findings.ts";
import { findWayOut, lookAtHost } from "./host-path.ts";

type Tables = Readonly<Record<string, Table>>;

/**
 * Replaces volumes with empty ones of the project. Only a volume in memory keeps its options: all others name something
 * outside.
 */
export function isolateVolumes(volumes: Tables, project: string, findings: Findings): Tables {
  return mapTables(volumes, (volume, key) => {
    const options = asTable(volume["driver_opts"]);
    const place = `volumes.${key}`;
    if (isForeign(volume, key, project))
      findings.replace(`${place} (${nameOf(volume, key)})`, "an empty volume");
    const isLocal = ["local", undefined].includes(asText(volume["driver"]));
    if (isLocal && isMemoryAlone(options)) return { driver_opts: { ...options, device: "tmpfs" } };
    if (Object.keys(options).length > 0 || !isLocal)
      findings.replace(
        `${place} (${asText(options["device"]) ?? asText(volume["driver"]) ?? ""})`,
        "an empty volume",
      );
    return {};
  });
}

/** With the options `bind`, `move` and `remount`, the kernel takes the device for a path, whatever the type says. */
const isMemoryAlone = (options: Table): boolean =>
  options["type"] === "tmpfs" &&
  Object.keys(options).every((name) => ["type", "device", "o"].includes(name)) &&
  (asText(options["o"]) ?? "")
    .split(",")
    .every((one) =>
      /^(|(size|nr_blocks|nr_inodes|mode|uid|gid)=[\w%]+|ro|rw|(no)?(exec|suid|dev|atime|diratime)|relatime)$/.test(
        one,
      ),
    );

// Options that only affect traffic between the network's containers. The others name bridges, parents and addresses of
// this computer.
const ownOptions = new Set([
  "com.docker.network.bridge.enable_icc",
  "com.docker.network.bridge.enable_ip_masquerade",
  "com.docker.network.driver.mtu",
]);

/** Replaces networks with bridges of the project. The engine chooses their addresses, because fixed ones may be in use. */
export function isolateNetworks(networks: Tables, project: string, findings: Findings): Tables {
  return mapTables(networks, (network, key) => {
    const place = `networks.${key}`;
    const driver = asText(network["driver"]) ?? "bridge";
    const options = Object.entries(asTable(network["driver_opts"])).filter(([name]) => ownOptions.has(name));
    if (isForeign(network, key, project))
      findings.replace(`${place} (${nameOf(network, key)})`, "a network of the test's own");
    if (driver !== "bridge") findings.replace(`${place} (${driver})`, "a bridge of the test's own");
    if (Object.keys(asTable(network["ipam"])).length > 0)
      findings.replace(`${place}.ipam`, "addresses that the engine chooses");
    return {
      ...(network["internal"] === undefined ? {} : { internal: network["internal"] }),
      ...(options.length === 0 ? {} : { driver_opts: Object.fromEntries(options) }),
    };
  });
}

/** Secrets and configs are mounted read-only. Their files must not lead outside in another way. */
export async function isolateFiles(
  part: "secrets" | "configs",
  file: ResolvedFile,
  findings: Findings,
): Promise<Tables> {
  for (const [key, one] of Object.entries(file[part])) {
    const place = `${part}.${key}`;
    const path = asText(one["file"]);
    if (one["external"] !== undefined && one["external"] !== false)
      findings.refuse(place, "it is kept outside of the project", "give it a file");
    if (path === undefined) continue;
    const found = await lookAtHost(path);
    const reason =
      found.kind === "refused"
        ? found.reason
        : found.kind === "folder"
          ? await findWayOut(found.path)
          : undefined;
    if (reason !== undefined) findings.refuse(`${place}.file: ${path}`, reason, "name a file");
  }
  return mapTables(file[part], (one) =>
    Object.fromEntries(
      Object.entries(one).filter(([name]) => ["file", "environment", "content"].includes(name)),
    ),
  );
}

/** Whether it has a fixed name or must exist already. Version 2 also writes the default names, which don't count. */
const isForeign = (one: Table, key: string, project: string): boolean =>
  (one["external"] !== undefined && one["external"] !== false) ||
  (one["name"] !== undefined && one["name"] !== `${project}_${key}`);

const nameOf = (one: Table, key: string): string =>
  asText(one["name"]) ?? asText(asTable(one["external"])["name"]) ?? key;

const mapTables = (tables: Tables, map: (one: Table, key: string) => Table): Tables =>
  Object.fromEntries(Object.entries(tables).map(([key, one]) => [key, map(one, key)]));
