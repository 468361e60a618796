import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accepts, publishedChecks } from "../../../compose/checks/published.ts";
import { reachabilityChecks } from "../../../compose/checks/reachability.ts";
import type { Cluster } from "../../../compose/cluster.ts";
import { reachable } from "../../../compose/cluster.ts";
import { NetworkProbe } from "../../../compose/probe.ts";
import { runCheck } from "../../../compose/check.ts";
import type { FakeStart } from "../fakes/container.ts";
import { tryCheck } from "../fakes/red.ts";
import { Shop } from "../fakes/shop.ts";

const hasty = { timeoutMs: 1 };
function getService({ file }: Cluster, name: string) {
  const found = file.services.get(name);
  assert.ok(found);
  return found;
}
const listPublished = (cluster: Cluster) => publishedChecks(cluster.file, new NetworkProbe(cluster, hasty));
const listReachable = (cluster: Cluster) =>
  reachabilityChecks(cluster.file, new NetworkProbe(cluster, hasty));

describe("ways from the host", { concurrency: 4 }, () => {
  tryCheck({
    between: "host → nginx",
    name: "its published port answers",
    list: listPublished,
    seen: /^127\.0\.0\.1:\d+$/,
    faults: [
      [
        "it isn't published",
        ({ engine }) => (engine.of("nginx").info.NetworkSettings.Ports = {}),
        /service nginx should publish a port, and doesn't/,
      ],
      [
        "it is published by UDP alone",
        ({ engine, port }) => {
          engine.of("nginx").info.NetworkSettings.Ports = {
            "8080/udp": [{ HostIp: "127.0.0.1", HostPort: String(port) }],
          };
        },
        /service nginx should publish a port, and doesn't/,
      ],
      [
        "it listens on another port",
        ({ engine }) => (engine.of("nginx").listens = [80, 81]),
        /publishes its port 8080, but listens on 80, 81/,
      ],
      [
        "it listens for itself alone",
        ({ engine }) => Object.assign(engine.of("nginx"), { listens: [81], listensLocally: [8080] }),
        /publishes its port 8080, but listens on 127\.0\.0\.1:8080 only, where nobody outside of its container can reach it/,
      ],
      ["nothing listens", ({ engine }) => (engine.of("nginx").listens = []), /but listens on nothing/],
      [
        "nothing answers at the published one",
        ({ engine }) => {
          // Nobody may listen there: it is the port of tcpmux, for root alone.
          engine.of("nginx").info.NetworkSettings.Ports["8080/tcp"] = [
            { HostIp: "127.0.0.1", HostPort: "1" },
          ];
        },
        /nothing answers at 127\.0\.0\.1:1, where nginx is published/,
      ],
      [
        "one of two published ports is dead",
        ({ engine }) => {
          engine
            .of("nginx")
            .info.NetworkSettings.Ports["8080/tcp"]?.push({ HostIp: "127.0.0.1", HostPort: "1" });
        },
        /nothing answers at 127\.0\.0\.1:1/,
      ],
    ],
  });

  tryCheck({
    between: "host → db",
    name: "it receives at its UDP port",
    list: (cluster) => {
      const db = { ...getService(cluster, "db"), published: [{ target: 8125, protocol: "udp" }] };
      const file = { ...cluster.file, services: new Map([["db", db]]) };
      return publishedChecks(file, new NetworkProbe(Object.assign(cluster, { file }), hasty));
    },
    prepare: ({ engine }) => {
      engine.of("db").receives = [8125];
      engine.of("db").info.NetworkSettings.Ports = {
        "8125/udp": [{ HostIp: "127.0.0.1", HostPort: "18125" }],
      };
    },
    seen: /^127\.0\.0\.1:18125$/,
    faults: [
      [
        "it isn't published",
        ({ engine }) => (engine.of("db").info.NetworkSettings.Ports = {}),
        /service db should publish a port, and doesn't/,
      ],
      [
        "it is published by TCP alone",
        ({ engine }) => {
          engine.of("db").info.NetworkSettings.Ports = {
            "8125/tcp": [{ HostIp: "127.0.0.1", HostPort: "18125" }],
          };
        },
        /service db should publish a port, and doesn't/,
      ],
      [
        "it receives at another port",
        ({ engine }) => (engine.of("db").receives = [53]),
        /publishes its UDP port 8125, but receives at 53$/,
      ],
      [
        "it only listens by TCP",
        ({ engine }) => Object.assign(engine.of("db"), { receives: [], listens: [8125] }),
        /publishes its UDP port 8125, but receives at no UDP port$/,
      ],
    ],
  });

  test("who listens a moment later is waited for", async () => {
    await using shop = await Shop.open();
    const edge = shop.engine.of("nginx");
    let looks = 0;
    Object.defineProperty(edge, "listens", { get: () => ((looks += 1) > 2 ? [8080] : []) });
    const checks = publishedChecks(shop.file, new NetworkProbe(shop.cluster));
    const [result] = await Promise.all(checks.map((check) => runCheck(check, shop.cluster)));
    assert.equal(result?.outcome, "passed", result?.seen);
    assert.equal(looks, 3);
  });

  test("who publishes nothing isn't asked", async () => {
    await using shop = await Shop.open();
    assert.deepEqual(
      listPublished(shop.cluster).map(({ between }) => between),
      ["host → nginx"],
    );
    assert.equal(await accepts("127.0.0.1", shop.port), true);
    assert.equal(await accepts("127.0.0.1", 1), false);
  });

  test("everywhere is here too", () => {
    const seen = ["", "0.0.0.0", "::", "127.0.0.2", "::1"].map(reachable);
    assert.deepEqual(seen, ["127.0.0.1", "127.0.0.1", "[::1]", "127.0.0.2", "[::1]"]);
  });
});

describe("ways between services", { concurrency: 4 }, () => {
  tryCheck({
    between: "nginx → web",
    name: "connects by name",
    list: listReachable,
    seen: /^port 8000$/,
    faults: [
      [
        "the other one listens for itself alone",
        ({ engine }) => Object.assign(engine.of("web"), { listens: [], listensLocally: [8000] }),
        /service web listens on 127\.0\.0\.1:8000 only, .*; have it listen on 0\.0\.0\.0/,
      ],
      [
        "the other one listens on nothing",
        ({ engine }) => (engine.of("web").listens = []),
        /service web listens on no TCP port that others could reach/,
      ],
      [
        "nothing answers",
        ({ engine }) => engine.walls.add("nginx>web:8000"),
        /from nginx, nothing answers at web, port 8000/,
      ],
      [
        "it isn't there",
        ({ engine }) => engine.allOf("web").forEach((one) => engine.exit(one, 1)),
        /no container of service web runs/,
      ],
    ],
  });

  tryCheck({
    between: "nginx ✗ db",
    name: "has no way there",
    list: listReachable,
    seen: /^2 addresses tried, all closed$/,
    faults: [
      [
        "it is reached by name",
        ({ engine }) => engine.leaks.add("nginx>db:5432"),
        /from nginx, db can be reached at db:5432, though they share no network/,
      ],
      [
        "it is reached by its address",
        ({ engine }) => engine.leaks.add(`nginx>${engine.of("db").addresses()[0] ?? ""}:5432`),
        /db can be reached at 10\.[\d.]+:5432/,
      ],
      [
        "they are on one network after all",
        ({ engine }) => {
          const edge = engine.of("nginx");
          edge.networks.push("data");
          engine.start(edge);
        },
        /db can be reached at db:5432, 10\.[\d.]+:5432/,
      ],
    ],
  });

  /** The outcome of a pair's check, and what was seen. */
  async function tryPair(between: string, prepare: (shop: Shop) => void) {
    await using shop = await Shop.open();
    prepare(shop);
    const check = listReachable(shop.cluster).find((one) => one.between === between);
    assert.ok(check);
    const { outcome, seen } = await runCheck(check, shop.cluster);
    return `${outcome}: ${seen}`;
  }
  const declareNothing = (shop: Shop, service: string) =>
    Object.assign(getService(shop.cluster, service), { exposed: [], published: [] });
  const silent = (shop: Shop, service: string) =>
    shop.engine.allOf(service).forEach((one) => (one.listens = []));
  const server = {
    Entrypoint: ["docker-entrypoint.sh"],
    Cmd: ["serve", "--all"],
    ExposedPorts: { "5432/tcp": {} },
  };

  test("a worker that listens on nothing is no fault; nobody can be asked for a way to it", async () => {
    const seen = "skipped: web listens on no TCP port, and declares none";
    const spoil = (shop: Shop) => {
      silent(shop, "web");
      declareNothing(shop, "web");
    };
    assert.equal(await tryPair("nginx → web", spoil), seen);
    const silentDatabase = (shop: Shop) => silent(shop, "db");
    assert.equal(await tryPair("nginx ✗ db", silentDatabase), "skipped: db listens on no TCP port");
  });

  const starts: readonly (readonly [string, FakeStart, boolean])[] = [
    ["the image's own program", { ...server }, true],
    ["the same with other words", { ...server, Cmd: ["serve", "--some"] }, true],
    ["the same with options alone", { ...server, Cmd: ["--some"] }, true],
    ["another program", { ...server, Cmd: ["work"] }, false],
    ["another entrypoint", { ...server, Entrypoint: ["work"] }, false],
  ];
  for (const [what, start, expected] of starts)
    test(`an image's port counts for ${what}: ${String(expected)}`, async () => {
      const seen = await tryPair("nginx → web", (shop) => {
        silent(shop, "web");
        declareNothing(shop, "web");
        shop.engine.images.set("sha256:image", server);
        for (const { info } of shop.engine.allOf("web")) Object.assign(info.Config, start);
      });
      assert.equal(seen.startsWith("failed: service web listens on no TCP port"), expected, seen);
    });

  test("who has ended as it may is left out, and a server that others need may not", async () => {
    const end = (shop: Shop, service: string, exitCode = 0) => {
      declareNothing(shop, service);
      for (const one of shop.engine.allOf(service)) {
        one.info.HostConfig.RestartPolicy.Name = "no";
        shop.engine.exit(one, exitCode);
      }
    };
    assert.equal(
      await tryPair("nginx → web", (shop) => end(shop, "nginx")),
      "skipped: nginx: done, exit code 0",
    );
    assert.equal(await tryPair("nginx → web", (shop) => end(shop, "web")), "skipped: web: done, exit code 0");
    const red = "failed: no container of service web runs in project fake";
    assert.equal(await tryPair("nginx → web", (shop) => end(shop, "web", 1)), red);
    const endServer = (shop: Shop) => {
      end(shop, "web");
      Object.assign(getService(shop.cluster, "web"), { exposed: [{ target: 8000, protocol: "tcp" }] });
    };
    assert.equal(await tryPair("nginx → web", endServer), red);
  });

  const ends: readonly (readonly [string, (shop: Shop) => void, string])[] = [
    [
      "ends",
      ({ engine }) => {
        engine.of("nginx").info.HostConfig.RestartPolicy.Name = "no";
        engine.exit(engine.of("nginx"), 0);
      },
      "skipped: nginx: done, exit code 0",
    ],
    [
      "ends and is started again",
      ({ engine }) => engine.deaths.push([engine.of("nginx"), 0]),
      "skipped: nginx: done, exit code 0, and started again",
    ],
  ];
  for (const [what, happen, expected] of ends)
    test(`nothing is said of a way whose beginning ${what} in the middle of the check`, async () => {
      for (const [between, to, port] of [
        ["nginx → web", "web", 8000],
        ["nginx ✗ db", "db", 5432],
      ] as const) {
        const happenMidway = (shop: Shop) => {
          Object.defineProperty(shop.engine.of(to), "listens", {
            get: () => {
              happen(shop);
              return [port];
            },
          });
        };
        assert.equal(await tryPair(between, happenMidway), expected);
      }
    });

  test("a server that ends in the middle of the check is judged all the same, and so is who fails", async () => {
    for (const [service, exitCode] of [
      ["web", 0],
      ["nginx", 4],
    ] as const) {
      const seen = await tryPair("nginx → web", ({ engine }) => {
        engine.walls.add("nginx>web:8000");
        engine.deaths.push([engine.of(service), exitCode]);
      });
      assert.equal(seen, "failed: from nginx, nothing answers at web, port 8000");
    }
  });

  test("each pair is asked what it should be: not those that have ended, nor those that need nothing of each other", async () => {
    await using shop = await Shop.open();
    assert.deepEqual(
      listReachable(shop.cluster).map(({ between }) => between),
      ["nginx → web", "nginx ✗ db", "web → db", "db ✗ nginx"],
    );
  });

  test("what is needed through another one is needed too, and who has no network is asked nothing", async () => {
    await using shop = await Shop.open();
    const service = (name: string, needs: string[], networks = ["a"]) => {
      const dependsOn = new Map(needs.map((one) => [one, "service_started"]));
      return [name, { name, networks, published: [], exposed: [], dependsOn }] as const;
    };
    const services = new Map([
      service("x", ["y"]),
      service("y", ["z"]),
      service("z", []),
      service("alone", ["z"], []),
    ]);
    const checks = reachabilityChecks({ ...shop.file, services }, new NetworkProbe(shop.cluster));
    assert.deepEqual(
      checks.map(({ between }) => between),
      ["x → y", "x → z", "y → z"],
    );
  });
});
