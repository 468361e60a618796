import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accepts, publishedChecks } from "../../../compose/checks/published.ts";
import { reachabilityChecks } from "../../../compose/checks/reachability.ts";
import type { Cluster } from "../../../compose/cluster.ts";
import { reachable } from "../../../compose/cluster.ts";
import { NetworkProbe } from "../../../compose/probe.ts";
import { tryCheck } from "../fakes/red.ts";
import { Shop } from "../fakes/shop.ts";

const hasty = { timeoutMs: 1 };
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
        "the other one listens on nothing",
        ({ engine }) => (engine.of("web").listens = []),
        /service web listens on no port that others could reach/,
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
