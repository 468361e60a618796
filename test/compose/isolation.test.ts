import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { copyLimit, findWayOut } from "../../compose/isolation/host-path.ts";
import { isolateFile } from "../../compose/isolation/isolate.ts";
import { serviceRules } from "../../compose/isolation/service-keys.ts";
import { asTable, parseResolved, type Table } from "../../compose/resolved-file.ts";
import { BerthError } from "../../lib/errors.ts";

const project = "berth-smoke-00000000";
const root = await mkdtemp(join(tmpdir(), "berth-isolation-"));
const file = join(root, "settings.conf");
const folder = join(root, "folder");
const socket = join(root, "engine.sock");
const folderOfNobody = join(root, "quiet");
const withSocket = join(root, "with-socket");
const large = join(root, "large");
const servers = [createServer(), createServer()];

before(async () => {
  await writeFile(file, "a");
  await mkdir(folder);
  await mkdir(withSocket);
  await mkdir(folderOfNobody);
  await symlink(socket, join(root, "link-to-socket"));
  await symlink(socket, join(root, "pay$link"));
  await symlink("/", join(root, "link-to-all"));
  await symlink(file, join(root, "link-to-file"));
  await mkdir(large);
  // Nothing of it takes up any room.
  await writeFile(join(large, "a"), "");
  await truncate(join(large, "a"), copyLimit.bytes + 1);
  servers[0]?.listen(socket);
  servers[1]?.listen(join(withSocket, "s"));
  await Promise.all(servers.map((server) => once(server, "listening")));
});
after(async () => {
  for (const server of servers) server.close();
  await rm(root, { recursive: true });
});

/** What becomes of a file as `docker-compose config` writes it. */
async function isolate(content: object) {
  const parsed = parseResolved(JSON.stringify(content));
  assert.ok(parsed.success);
  return isolateFile(parsed.data, { path: "shop.yml", project, folder: "/copies" });
}

/** What becomes of one service with these keys, beside one of the name `other`. */
async function isolateService(keys: Table, parts: object = {}) {
  const { content } = await isolate({ services: { web: keys, other: { image: "a" } }, ...parts });
  return asTable(asTable(content["services"])["web"]);
}

async function readRefusal(content: object): Promise<string> {
  try {
    await isolate(content);
  } catch (error) {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, "NotIsolated");
    assert.equal(error.exitCode, 3);
    assert.match(error.message, /^shop\.yml /);
    return error.detail.join("\n");
  }
  return "nothing was refused";
}

describe("refused, because it reaches what isn't the test's own", () => {
  const bind = (source: string, more: object = {}) => [{ type: "bind", source, target: "/t", ...more }];
  const cases: readonly (readonly [string, Table])[] = [
    ["privileged", { privileged: true }],
    ["privileged", { privileged: "true" }],
    ["network_mode: host", { network_mode: "host" }],
    ["network_mode: container:shop", { network_mode: "container:shop" }],
    ["network_mode: shop_default", { network_mode: "shop_default" }],
    ["pid", { pid: "host" }],
    ["pid", { pid: "container:shop" }],
    ["ipc", { ipc: "host" }],
    ["ipc", { ipc: "container:shop" }],
    ["uts", { uts: "host" }],
    ["userns_mode", { userns_mode: "host" }],
    ["cgroup", { cgroup: "host" }],
    ["volumes_from", { volumes_from: ["other", "container:shop:ro"] }],
    ["external_links", { external_links: ["shop:db"] }],
    ["extra_hosts", { extra_hosts: ["db=10.0.0.5"] }],
    ["extra_hosts", { extra_hosts: ["db:10.0.0.5"] }],
    ["extra_hosts", { extra_hosts: { db: "host-gateway" } }],
    ["extra_hosts", { extra_hosts: ["db=127.0.0.1.example.test"] }],
    ["extra_hosts", { extra_hosts: { a: "127.0.0.1", db: ["::1", "10.0.0.5"] } }],
    ["devices", { devices: ["/dev/sda:/dev/sda"] }],
    ["devices", { devices: [{ source: "/dev/sda", target: "/dev/sda" }] }],
    ["gpus", { gpus: [{ driver: "cdi", device_ids: ["vendor.example/disk=all"] }] }],
    [
      "deploy",
      {
        deploy: {
          resources: {
            reservations: { devices: [{ driver: "cdi", device_ids: ["vendor.example/disk=all"] }] },
          },
        },
      },
    ],
    ["device_cgroup_rules", { device_cgroup_rules: ["b 8:* rwm"] }],
    ["cap_add", { cap_add: ["NET_ADMIN", "CAP_SYS_ADMIN"] }],
    ["cap_add", { cap_add: ["all"] }],
    ["cap_add", { cap_add: ["A_CAP_CHOWN"] }],
    ["security_opt", { security_opt: ["systempaths=unconfined"] }],
    ["use_api_socket", { use_api_socket: true }],
    ["provider", { provider: { type: "somebody" } }],
    ["models", { models: ["m"] }],
    ["credential_spec", { credential_spec: { file: "a.json" } }],
    ["runtime", { runtime: "somebody" }],
    ["post_start", { post_start: [{ command: "a", privileged: true }] }],
    ["pre_stop", { pre_stop: [{ command: "a", privileged: true }] }],
    ["build.extra_hosts", { build: { context: ".", extra_hosts: ["db=host-gateway"] } }],
    ["build.a_key_of_tomorrow", { build: { context: ".", a_key_of_tomorrow: 1 } }],
    ["build.network: host", { build: { context: ".", network: "host" } }],
    ["build.privileged", { build: { context: ".", privileged: true } }],
    ["build.ssh", { build: { context: ".", ssh: ["default"] } }],
    ["build.entitlements", { build: { context: ".", entitlements: ["security.insecure"] } }],
    ["a_key_of_tomorrow", { a_key_of_tomorrow: 1 }],
    ["volumes: /t", { volumes: [{ type: "npipe", source: "a", target: "/t" }] }],
    ["volumes: /t", { volumes: [{ type: "cluster", source: "a", target: "/t" }] }],
    ["volumes: /", { volumes: bind("/") }],
    ["volumes: /", { volumes: bind("/", { read_only: true }) }],
    ["volumes: /proc", { volumes: bind("/proc", { read_only: true }) }],
    ["volumes: /sys/fs/cgroup", { volumes: bind("/sys/fs/cgroup", { read_only: true }) }],
    ["volumes: /dev", { volumes: ["/dev:/dev:rw"] }],
    [`volumes: ${socket}`, { volumes: bind(socket) }],
    [`volumes: ${socket}`, { volumes: [`${socket}:/var/run/docker.sock:ro`] }],
    [`volumes: ${root}/link-to-socket`, { volumes: bind(join(root, "link-to-socket")) }],
    [`volumes: ${root}/link-to-all`, { volumes: bind(join(root, "link-to-all")) }],
    // As Compose writes the name, which has one dollar sign.
    [`volumes: ${root}/pay$$link`, { volumes: bind(`${root}/pay$$link`, { read_only: true }) }],
    [`volumes: ${withSocket}`, { volumes: bind(withSocket, { read_only: true }) }],
    [`volumes: ${large}`, { volumes: bind(large) }],
  ];
  for (const [place, keys] of cases) {
    test(`${place}: ${JSON.stringify(keys).replaceAll(root, "")}`, async () => {
      const refusal = await readRefusal({ services: { web: keys, other: { image: "a" } } });
      assert.ok(refusal.startsWith(`services.web.${place}: `), refusal);
      assert.match(refusal, /; (take|use|mount|let) /);
    });
  }

  const parts: readonly (readonly [string, object])[] = [
    ["secrets.s", { secrets: { s: { external: true } } }],
    [`secrets.s.file: ${socket}`, { secrets: { s: { file: socket } } }],
    [`configs.s.file: ${withSocket}`, { configs: { s: { file: withSocket } } }],
    ["models", { models: { m: { model: "a" } } }],
  ];
  for (const [place, content] of parts) {
    test(`${place.replace(root, "")} at the top`, async () => {
      const refusal = await readRefusal({ services: { web: { image: "a" } }, ...content });
      assert.ok(refusal.startsWith(`${place}: `), refusal);
    });
  }

  test("a part that nobody knows, unless it is empty or begins as an extension does", async () => {
    const services = { web: { image: "a" } };

    for (const part of [{ "tomorrow-x-": { a: 1 } }, { tomorrow: "a" }, { tomorrow: false }])
      assert.match(await readRefusal({ services, ...part }), /^tomorrow/m);
    assert.equal(
      await readRefusal({ services, "x-own": { a: 1 }, tomorrow: null, later: {}, never: [] }),
      "nothing was refused",
    );
  });

  test("everything is named at once, each with its service", async () => {
    const refusal = await readRefusal({ services: { a: { pid: "host" }, b: { privileged: true } } });
    assert.match(refusal, /services\.a\.pid: .*\nservices\.b\.privileged: /);
  });
});

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

  test("volumes: nothing of a name, a place or another driver is left", async () => {
    const volumes = {
      own: { name: `${project}_own` },
      plain: null,
      fixed: { name: "shop-production-data" },
      external: { name: "shop", external: true },
      old: { external: { name: "shop-2" } },
      bound: { driver: "local", driver_opts: { type: "none", o: "bind", device: "/data" } },
      nfs: { driver_opts: { type: "nfs", o: "addr=10.0.0.1", device: ":/data" } },
      elsewhere: { driver: "rexray", labels: { a: "b" } },
      memory: { driver_opts: { type: "tmpfs", device: "tmpfs", o: "uid=999" } },
    };
    const { content, replaced } = await isolate({ services: { web: { image: "a" } }, volumes });
    assert.deepEqual(content["volumes"], {
      own: {},
      plain: {},
      fixed: {},
      external: {},
      old: {},
      bound: {},
      nfs: {},
      elsewhere: {},
      memory: { driver_opts: { type: "tmpfs", device: "tmpfs", o: "uid=999" } },
    });
    for (const name of ["shop-production-data", "shop", "shop-2", "/data", ":/data", "rexray"])
      assert.ok(
        replaced.some((one) => one.includes(`(${name})`)),
        name,
      );
    assert.ok(!replaced.some((one) => /own|plain|memory/.test(one)));
  });

  test("volumes: what says that it is memory, and would mount a folder of this computer, is an empty one", async () => {
    const options = [
      "bind",
      "size=1m,rbind",
      "move",
      "remount,ro",
      "BIND",
      "bind=1",
      "shared",
      "size=1 ,bind",
    ];
    const volumes = Object.fromEntries(
      options.map((o, at) => [`v${at}`, { driver_opts: { type: "tmpfs", device: "/data", o } }]),
    );
    const more = { ok: { driver_opts: { type: "tmpfs", device: "/data", o: "size=1m,mode=1777,noexec" } } };
    const { content } = await isolate({
      services: { web: { image: "a" } },
      volumes: { ...volumes, ...more },
    });
    assert.deepEqual(content["volumes"], {
      ...Object.fromEntries(Object.keys(volumes).map((key) => [key, {}])),
      ok: { driver_opts: { type: "tmpfs", device: "tmpfs", o: "size=1m,mode=1777,noexec" } },
    });
  });

  test("networks: bridges of its own, as closed as they were", async () => {
    const networks = {
      own: { name: `${project}_own`, ipam: {}, internal: true },
      fixed: { name: "shop" },
      external: { name: "proxy", external: true },
      lan: { driver: "macvlan", driver_opts: { parent: "eth0" } },
      pinned: { ipam: { config: [{ subnet: "10.9.0.0/24" }] } },
      options: {
        driver_opts: {
          "com.docker.network.bridge.name": "br-shop",
          "com.docker.network.bridge.enable_icc": "false",
        },
      },
    };
    const { content, replaced } = await isolate({ services: { web: { image: "a" } }, networks });
    assert.deepEqual(content["networks"], {
      own: { internal: true },
      fixed: {},
      external: {},
      lan: {},
      pinned: {},
      options: { driver_opts: { "com.docker.network.bridge.enable_icc": "false" } },
    });
    assert.ok(!replaced.some((one) => one.startsWith("networks.own")));
    assert.equal(replaced.filter((one) => one.startsWith("networks.")).length, 4);
  });

  test("mounts: read-only stays, what could be written to is a copy, shared by all that mount it", async () => {
    const services = {
      writer: {
        volumes: [
          { type: "bind", source: folder, target: "/a" },
          `${file}:/etc/settings.conf:rw`,
          { type: "bind", source: `${root}/nowhere`, target: "/n", read_only: true },
          "/unnamed",
        ],
      },
      reader: {
        volumes: [
          `${folder}:/b:ro`,
          {
            type: "volume",
            source: "data",
            target: "/d",
            read_only: true,
            volume: { nocopy: true, subpath: "x" },
          },
          { type: "tmpfs", target: "/m", tmpfs: { size: "1" } },
        ],
      },
      careful: { volumes: [{ type: "bind", source: folderOfNobody, target: "/c", read_only: true }] },
    };
    const { content, folders, files } = await isolate({ services, volumes: { data: null } });
    const mounts = Object.values(asTable(content["services"])).map((one) => asTable(one)["volumes"]);
    const copy = { type: "volume", source: "smoke-copy-1", volume: { nocopy: true } };
    assert.deepEqual(mounts, [
      [
        { ...copy, target: "/a" },
        { type: "bind", source: "/copies/file-1", target: "/etc/settings.conf" },
        { ...copy, source: "smoke-copy-2", target: "/n" },
        { type: "volume", target: "/unnamed" },
      ],
      [
        { ...copy, target: "/b" },
        { type: "volume", source: "data", target: "/d", read_only: true, volume: { nocopy: true } },
        { type: "tmpfs", target: "/m", tmpfs: { size: "1" } },
      ],
      [{ type: "bind", source: folderOfNobody, target: "/c", read_only: true }],
    ]);
    assert.deepEqual(content["volumes"], { data: {}, "smoke-copy-1": {}, "smoke-copy-2": {} });
    assert.deepEqual(folders, [{ volume: "smoke-copy-1", source: folder, service: "writer", target: "/a" }]);
    assert.deepEqual(files, [{ source: file, path: "/copies/file-1" }]);
  });

  test("a read-only file that the engine is asked to label anew is a copy too", async () => {
    for (const volumes of [
      [`${file}:/c:ro,z`],
      [{ type: "bind", source: file, target: "/c", read_only: true, bind: { selinux: "Z" } }],
    ]) {
      assert.deepEqual(await isolateService({ volumes }), {
        volumes: [{ type: "bind", source: "/copies/file-1", target: "/c", read_only: true }],
      });
    }
  });
});

describe("what a path of this computer is", () => {
  const reasons: readonly (readonly [string, RegExp])[] = [
    ["/", /: it is all of this computer's file system;/],
    [join(root, "link-to-all"), /: it is all of this computer's file system;/],
    [join(root, "link-to-socket"), /engine\.sock is a socket,/],
    ["/dev/null", /\/dev\/null is the kernel's;/],
  ];
  for (const [source, expected] of reasons)
    test(`${source.replace(root, "")} is refused for what it is`, async () => {
      const volumes = [{ type: "bind", source, target: "/t", read_only: true }];
      assert.match(await readRefusal({ services: { web: { volumes } } }), expected);
    });

  test("a link to a file is that file", async () => {
    const source = join(root, "link-to-file");
    const volumes = [{ type: "bind", source, target: "/t", read_only: true }];
    assert.deepEqual(await isolateService({ volumes }), { volumes });
    const { files } = await isolate({ services: { web: { volumes: [`${source}:/t`] } } });
    assert.deepEqual(files, [{ source: file, path: "/copies/file-1" }]);
  });

  test("a file system mounted below a folder is found, and none beside it", async () => {
    const mountinfo = [
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
      `23 22 8:2 / ${folder} rw - ext4 /dev/sda2 rw`,
      `24 22 8:3 / ${folder}-beside rw - ext4 /dev/sda3 rw`,
      `25 22 8:4 / ${folderOfNobody}/a\\040b rw - ext4 /dev/sda4 rw`,
      "",
    ].join("\n");
    assert.equal(await findWayOut(folder, mountinfo), undefined);
    assert.match((await findWayOut(folderOfNobody, mountinfo)) ?? "", /quiet\/a b is mounted inside it/);
    const written = "25 22 8:4 / /a\\134b\\011c/d rw - ext4 /dev/sda4 rw";
    assert.match((await findWayOut("/a\\b\tc", written)) ?? "", /d is mounted inside it/);
  });

  test("who reads a folder that a later service writes to shares its copy", async () => {
    const { content, folders } = await isolate({
      services: { reader: { volumes: [`${folder}:/b:ro`] }, writer: { volumes: [`${folder}:/a`] } },
    });
    const sources = Object.values(asTable(content["services"])).map((one) => asTable(one)["volumes"]);
    const copy = { type: "volume", source: "smoke-copy-1", volume: { nocopy: true } };
    assert.deepEqual(sources, [[{ ...copy, target: "/b" }], [{ ...copy, target: "/a" }]]);
    assert.equal(folders.length, 1);
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
