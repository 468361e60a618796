import type Docker from "dockerode";
import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import { type Cluster, serviceOf } from "../cluster.ts";
import type { Roles } from "../compose-file.ts";
import { execute } from "../container.ts";
import type { NetworkProbe } from "../probe.ts";
import { accepts } from "./published.ts";

/** Checks of what must not be possible. */
export function confinementChecks(roles: Roles, probe: NetworkProbe): readonly Check[] {
  return [
    {
      between: `host ✗ ${roles.database}`,
      name: "isn't published",
      run: (cluster) => checkUnpublished(cluster, roles.database, probe),
    },
    {
      between: `host ✗ ${roles.app}`,
      name: "isn't published",
      run: (cluster) => checkUnpublished(cluster, roles.app, probe),
    },
    { between: "all", name: "no root, no capabilities, read-only, limits", run: checkConfined },
    {
      between: "all",
      name: "secrets are in no environment and no log",
      run: (cluster) => checkSecretsKept(cluster, roles),
    },
  ];
}

async function checkUnpublished(cluster: Cluster, service: string, probe: NetworkProbe): Promise<string> {
  const [published] = await cluster.listPublished(service);
  if (published !== undefined) {
    const at = `${published.hostAddress}:${published.hostPort}`;
    failCheck(`service ${service} is published to the host at ${at}: whoever reaches that port reaches it`, {
      service,
      hint: `take ports: away from service ${service}; other services reach it by its name`,
    });
  }
  const ports = await probe.listListening(service);
  const answering = (await Promise.all(ports.map((port) => accepts("127.0.0.1", port)))).some(Boolean);
  return `port ${ports.join(", ")} ${answering ? "of this host belongs to another program" : "is closed on the host"}`;
}

async function checkConfined(cluster: Cluster): Promise<string> {
  const containers = await cluster.listContainers();
  const found = containers.flatMap((one) =>
    findLiberties(one).map(({ what, remedy }) => ({ what: `${serviceOf(one)} ${what}`, remedy })),
  );
  if (found.length > 0) {
    const remedies = [...new Set(found.map(({ remedy }) => remedy))].join(", ");
    failCheck(found.map(({ what }) => what).join("; "), {
      hint: `write in ${cluster.file.path}, for each service that is named: ${remedies}`,
    });
  }
  return `${containers.length} containers`;
}

interface Liberty {
  readonly what: string;
  /** The line in the file that takes it. */
  readonly remedy: string;
}

function findLiberties({ Config: config, HostConfig: host }: Docker.ContainerInspectInfo): Liberty[] {
  const rules: readonly (readonly [broken: boolean, what: string, remedy: string])[] = [
    [/^(|root|0)(:|$)/.test(config.User), "runs as root", "user: (a number)"],
    [host.ReadonlyRootfs !== true, "can write to its file system", "read_only: true"],
    [
      host.CapDrop?.includes("ALL") !== true || (host.CapAdd ?? []).length > 0,
      "has capabilities",
      "cap_drop: [ALL]",
    ],
    [host.Privileged === true, "is privileged", "privileged: false"],
    [
      !(host.SecurityOpt ?? []).some((one: string) => /^no-new-privileges([:=]true)?$/.test(one)),
      "may gain privileges",
      'security_opt: ["no-new-privileges:true"]',
    ],
    [!((host.Memory ?? 0) > 0), "has no memory limit", "mem_limit: (such as 256m)"],
    [!((host.PidsLimit ?? 0) > 0), "has no limit of processes", "pids_limit: (such as 128)"],
  ];
  return rules.filter(([broken]) => broken).map(([, what, remedy]) => ({ what, remedy }));
}

async function checkSecretsKept(cluster: Cluster, roles: Roles): Promise<string> {
  const [app] = await cluster.getRunning(roles.app);
  const { exitCode, output } = await execute(app, [
    "sh",
    "-c",
    'for file in /run/secrets/*; do cat "$file"; echo; done',
  ]);
  const secrets = output.split("\n").filter((line) => line.length >= 16);
  if (exitCode !== 0 || secrets.length === 0) failCheck(`${roles.app} can't read its secrets: ${output}`);
  for (const info of await cluster.listContainers()) {
    const service = serviceOf(info);
    const log = await cluster.docker
      .getContainer(info.Id)
      .logs({ stdout: true, stderr: true, follow: false });
    const leak = (text: string) => secrets.some((secret) => text.includes(secret));
    if (leak(JSON.stringify(info))) failCheck(`docker inspect of ${service} shows a secret`, { service });
    if (leak(log.toString("utf8"))) failCheck(`the log of ${service} shows a secret`, { service });
  }
  return `${secrets.length} secrets looked for`;
}
