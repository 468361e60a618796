import { asList, asTable, asText, type Table } from "../resolved-file.ts";
import { isTrue, readMounts } from "../mounts.ts";
import { rewriteBuild } from "./build.ts";
import { refuseForeignHosts } from "./hosts.ts";
import { rewritePorts } from "./ports.ts";
import { isSomething, refuseIf, type Rule } from "./rule.ts";

const keep: Rule = (value) => value;
const leaveOut: Rule = () => undefined;

const refuse = (reason: string, advice?: string): Rule => refuseIf(isSomething, reason, advice);

/**
 * Refuses a namespace outside the project: `host`, or that of another container. Namespaces of the project's own
 * services are allowed.
 */
const refuseForeignSpace = refuseIf(
  (value) => !/^(|private|shareable|none|service:.+)$/.test(asText(value) ?? ""),
  "it shares a namespace with this computer or with a container outside of the project",
);

const rewriteNetworkMode: Rule = (value, { service, findings }, key) => {
  const mode = asText(value) ?? "";
  if (mode === "none" || mode.startsWith("service:")) return mode;
  if (mode !== "bridge" && mode !== "default") {
    findings.refuse(
      `services.${service}.${key}: ${mode}`,
      "it is the network of this computer, or of a container outside of the project",
      "use networks of the file",
    );
  }
  // All containers share the engine's default bridge. Without a mode, the service gets the project's default network
  // instead.
  return undefined;
};

const rewriteServiceNetworks: Rule = (value) => {
  const left = new Set(["aliases", "priority", "interface_name", "gw_priority"]);
  const entries = Array.isArray(value)
    ? value.map((name): [string, unknown] => [String(name), undefined])
    : Object.entries(asTable(value));
  return Object.fromEntries(
    entries.map(([name, options]) => [
      name,
      Object.fromEntries(Object.entries(asTable(options)).filter(([option]) => left.has(option))),
    ]),
  );
};

const rewriteVolumes: Rule = (_, { table, mounts, service, findings }) =>
  readMounts(table)
    .map((mount): Table | undefined => {
      const { type, source, target, readOnly, nocopy } = mount;
      if (type === "bind") return mounts.rewrite(mount);
      if (type === "tmpfs" || type === "image") return mount.table;
      if (type !== "volume") {
        findings.refuse(
          `services.${service}.volumes: ${target}`,
          `a mount of type ${type} leads outside`,
          "take it out",
        );
        return undefined;
      }
      return {
        type,
        target,
        ...(source === undefined ? {} : { source }),
        ...(readOnly ? { read_only: true } : {}),
        ...(nocopy ? { volume: { nocopy } } : {}),
      };
    })
    .filter((mount) => mount !== undefined);

// Only these two log drivers keep the log with the container, and it is removed with it. Other drivers write to a log
// elsewhere.
const rewriteLogging: Rule = (value) =>
  ["json-file", "local"].includes(asText(asTable(value)["driver"]) ?? "") ? value : undefined;

// The engine's device requests can only add a graphics card. CDI can add whatever is configured under a name.
const isAnyDevice = (devices: unknown): boolean =>
  asList(devices).some((one) => ![undefined, "nvidia", "amd"].includes(asText(asTable(one)["driver"])));
const anyDevice = "it opens devices of this computer";

const rewriteDeploy: Rule = (value, { service, findings }) => {
  const { devices } = asTable(asTable(asTable(value)["resources"])["reservations"]);
  if (isAnyDevice(devices)) findings.refuse(`services.${service}.deploy`, anyDevice, "take them out");
  return Object.fromEntries(
    Object.entries(asTable(value)).filter(([key]) => !["labels", "placement"].includes(key)),
  );
};

// Compose lists a dependency with `required: false` although its service is in no active profile, and then refuses to
// read what it has written.
const leaveOutAbsent: Rule = (value, { services }) =>
  Array.isArray(value)
    ? value
    : Object.fromEntries(
        Object.entries(asTable(value)).filter(
          ([name, need]) => services.has(name) || asTable(need)["required"] !== false,
        ),
      );

const rewritePullPolicy: Rule = (value) => (value === "never" ? value : undefined);

const refuseForeignVolumes = refuseIf(
  (value) => asList(value).some((one) => (asText(one) ?? "").startsWith("container:")),
  "it mounts what a container outside of the project has",
);

// Capabilities that act only inside the container's own namespaces. The others reach the kernel, its clock, modules or
// disks.
const innerCapabilities = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT SYS_NICE SYS_PTRACE SYS_RESOURCE".split(
    " ",
  ),
);
const refuseOuterCapabilities = refuseIf(
  (value) =>
    asList(value).some(
      (one) => !innerCapabilities.has((asText(one) ?? "").toUpperCase().replace(/^CAP_/, "")),
    ),
  "it has capabilities over this computer",
);

const isPrivilegedHook = (value: unknown): boolean =>
  asList(value).some((one) => isTrue(asTable(one)["privileged"]));
const refusePrivilegedHooks = refuseIf(isPrivilegedHook, "it has root's rights on this computer");

const kept =
  "attach blkio_config cap_drop command configs cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset dns dns_opt dns_search domainname entrypoint environment expose group_add healthcheck hostname init isolation links mac_address mem_limit mem_reservation mem_swappiness memswap_limit oom_kill_disable oom_score_adj pids_limit platform read_only restart scale secrets shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits user working_dir";

// These keys are resolved already (extends, env_file, profiles), useless here (develop), or read by programs outside:
// labels and annotations would make this computer's proxies, updaters and schedulers treat a container as the user's.
const leftOut =
  "annotations cgroup_parent container_name develop env_file extends label_file labels profiles pull_refresh_after volume_driver";

const listed = (names: string, rule: Rule): Record<string, Rule> =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

/** A rule for every key that Compose knows. Other keys are refused, because their effect hasn't been examined. */
export const serviceRules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...listed(kept, keep),
    ...listed(leftOut, leaveOut),
    build: rewriteBuild,
    cap_add: refuseOuterCapabilities,
    cgroup: refuseForeignSpace,
    credential_spec: refuse("it is an account outside"),
    depends_on: leaveOutAbsent,
    deploy: rewriteDeploy,
    device_cgroup_rules: refuse(anyDevice),
    devices: refuse(anyDevice),
    external_links: refuse(
      "it leads to containers outside of the project",
      "let a service of the file stand in",
    ),
    extra_hosts: refuseForeignHosts,
    gpus: refuseIf(isAnyDevice, anyDevice),
    image: (_, { service, table, images }) => images.find(service, table),
    ipc: refuseForeignSpace,
    logging: rewriteLogging,
    models: refuse("it has this computer run models"),
    network_mode: rewriteNetworkMode,
    networks: rewriteServiceNetworks,
    pid: refuseForeignSpace,
    ports: rewritePorts,
    post_start: refusePrivilegedHooks,
    pre_stop: refusePrivilegedHooks,
    privileged: refuseIf(isTrue, "it has root's rights on this computer"),
    provider: refuse("it runs a program of this computer"),
    pull_policy: rewritePullPolicy,
    runtime: refuseIf(
      (value) => !["runc", "runsc", "crun", "nvidia"].includes(asText(value) ?? ""),
      "nobody knows what this runtime shares with this computer",
    ),
    security_opt: refuseIf(
      (value) => asList(value).some((one) => /systempaths|writable-cgroups/.test(asText(one) ?? "")),
      "it opens settings of this computer's kernel",
    ),
    use_api_socket: refuseIf(isTrue, "it gives the engine's socket away"),
    userns_mode: refuseForeignSpace,
    uts: refuseForeignSpace,
    volumes: rewriteVolumes,
    volumes_from: refuseForeignVolumes,
  }),
);
