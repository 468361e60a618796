import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Table } from "../../../compose/resolved-file.ts";
import { readRefusal } from "./attempt.ts";
import { makeHostFiles } from "./host-files.ts";

const { root, socket, withSocket, large, remove } = await makeHostFiles();
after(remove);

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
