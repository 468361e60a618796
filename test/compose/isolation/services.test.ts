import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serviceRules } from "../../../compose/isolation/service-keys.ts";
import { asTable, type Table } from "../../../compose/resolved-file.ts";
import { isolate, isolateService, project } from "./attempt.ts";

describe("rewritten", () => {
  const cases: readonly (readonly [string, Table, Table])[] = [
    ["a fixed name", { container_name: "shop" }, {}],
    [
      "what other programs of the computer act on",
      { labels: { traefik: "on" }, annotations: { a: "b" } },
      {},
    ],
    ["labels of deploy", { deploy: { replicas: 2, labels: { a: "b" } } }, { deploy: { replicas: 2 } }],
    ["a control group of others", { cgroup_parent: "/shop" }, {}],
    ["a log elsewhere", { logging: { driver: "syslog" } }, {}],
    ["a journal of this computer", { logging: { driver: "journald" } }, {}],
    ["a pull that would move the user's tag", { pull_policy: "always" }, {}],
    ["what only watches", { develop: { watch: [] } }, {}],
    ["the bridge that everybody is on", { network_mode: "bridge" }, {}],
    [
      "fixed addresses",
      { networks: { a: { ipv4_address: "10.9.0.2", aliases: ["b"] }, c: null } },
      { networks: { a: { aliases: ["b"] }, c: {} } },
    ],
    [
      "ports as version 2 writes them",
      {
        ports: [
          { mode: "ingress", target: 80, published: "80", protocol: "tcp" },
          { mode: "host", host_ip: "0.0.0.0", target: 53, published: "53", protocol: "udp" },
          { target: 90, host_ip: "127.0.0.1", protocol: "tcp" },
        ],
      },
      { ports: ["127.0.0.1::80/tcp", "127.0.0.1::53/udp", "127.0.0.1::90/tcp"] },
    ],
    [
      "ports as version 1 writes them",
      { ports: ["80:80/tcp", "127.0.0.1:8000-8001:9000-9001/tcp", "0.0.0.0:53:53/udp", 70] },
      {
        ports: [
          "127.0.0.1::80/tcp",
          "127.0.0.1::9000/tcp",
          "127.0.0.1::9001/tcp",
          "127.0.0.1::53/udp",
          "127.0.0.1::70/tcp",
        ],
      },
    ],
    [
      "tags, caches and pulls of a build",
      {
        image: "shop:1",
        build: { context: "/c", tags: ["a:b"], cache_to: ["x"], pull: true, args: { a: "b" } },
      },
      { image: `${project}:web`, build: { context: "/c", args: { a: "b" } } },
    ],
    [
      "the tag of a build that has none",
      { build: "/c" },
      { image: `${project}:web`, build: { context: "/c" } },
    ],
  ];
  for (const [what, keys, expected] of cases) {
    test(what, async () => assert.deepEqual(await isolateService(keys), expected));
  }

  test("an image that another service builds, and not one that nobody builds", async () => {
    const services = {
      build: { image: "shop", build: { context: "/c" } },
      uses: { image: "shop:latest" },
      base: { image: "nginx:1" },
    };
    const { content, tags } = await isolate({ services });
    const images = Object.values(asTable(content["services"])).map((one) => asTable(one)["image"]);
    assert.deepEqual(images, [`${project}:build`, `${project}:build`, "nginx:1"]);
    assert.deepEqual(tags, [`${project}:build`]);
  });
});

describe("kept", () => {
  test("what stays inside the project", async () => {
    const keys = {
      network_mode: "service:other",
      pid: "service:other",
      ipc: "shareable",
      cap_add: ["NET_ADMIN", "CAP_SYS_PTRACE"],
      security_opt: ["no-new-privileges:true"],
      logging: { driver: "json-file", options: { "max-size": "1m" } },
      pull_policy: "never",
      extra_hosts: ["me=127.0.0.1"],
      volumes_from: ["other:ro"],
      privileged: false,
      devices: [],
      command: ["a$$b"],
      environment: { A: null, B: "no" },
    };
    assert.deepEqual(await isolateService(keys), keys);
  });

  test("dependencies, but for those that may be missing and are", async () => {
    const need = (required: boolean) => ({ condition: "service_started", required });
    assert.deepEqual(
      await isolateService({
        depends_on: { other: need(false), off: need(false), wrong: need(true) },
      }),
      { depends_on: { other: need(false), wrong: need(true) } },
    );
    assert.deepEqual(await isolateService({ depends_on: ["other"] }), { depends_on: ["other"] });
  });

  test("a service without a network has none", async () => {
    assert.deepEqual(await isolateService({ network_mode: "none" }), { network_mode: "none" });
  });

  test("keys of Berth's and of the user's own, x-…, are left out", async () => {
    const { content } = await isolate({
      services: { web: { image: "a", "x-a": 1 } },
      "x-smoke": {},
      version: "3",
    });
    assert.deepEqual(content, { services: { web: { image: "a" } } });
  });

  test("every key of the Compose specification has its rule", () => {
    const known =
      "develop deploy annotations attach build blkio_config cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count cpu_percent cpu_shares cpu_quota cpu_period cpu_rt_period cpu_rt_runtime cpus cpuset credential_spec depends_on device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file label_file environment expose extends provider external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit network_mode models networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles pull_policy pull_refresh_after read_only restart runtime scale security_opt shm_size secrets sysctls stdin_open stop_grace_period stop_signal storage_opt tmpfs tty ulimits use_api_socket user uts userns_mode volumes volumes_from working_dir";
    assert.deepEqual(
      known.split(" ").filter((key) => !serviceRules.has(key)),
      [],
    );
  });
});
