import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isolate, project } from "./attempt.ts";

describe("rewritten at the top", () => {
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
});
