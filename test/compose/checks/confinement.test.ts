import { describe } from "node:test";
import { confinementChecks } from "../../../compose/checks/confinement.ts";
import type { Cluster } from "../../../compose/cluster.ts";
import { NetworkProbe } from "../../../compose/probe.ts";
import type { FakeInfo } from "../fakes/container.ts";
import { type Fault, tryCheck } from "../fakes/red.ts";
import { roles, secret } from "../fakes/shop.ts";

const list = (cluster: Cluster) => confinementChecks(roles, new NetworkProbe(cluster));

const publish = (service: string, port: number): Fault => [
  `${service} is published`,
  ({ engine }) => {
    engine.of(service).info.NetworkSettings.Ports[`${port}/tcp`] = [{ HostIp: "0.0.0.0", HostPort: "9" }];
  },
  new RegExp(`service ${service} is published to the host at 0\\.0\\.0\\.0:9`),
];

/** In a container that isn't the first, so that it is seen that all are looked at. */
const loosen = (words: string, what: string, change: (info: FakeInfo) => void): Fault => [
  what,
  ({ engine }) => {
    const last = engine.allOf("web").at(-1);
    if (last !== undefined) change(last.info);
  },
  new RegExp(`^web ${words}$`),
];

describe("confinement", { concurrency: 4 }, () => {
  tryCheck({
    between: "host ✗ db",
    name: "isn't published",
    list,
    seen: /^port 5432 /,
    faults: [publish("db", 5432)],
  });
  tryCheck({
    between: "host ✗ web",
    name: "isn't published",
    list,
    seen: /^port 8000 /,
    faults: [publish("web", 8000)],
  });

  tryCheck({
    between: "all",
    name: "no root, no capabilities, read-only, limits",
    list,
    seen: /^5 containers$/,
    faults: [
      loosen("runs as root", "no user is named", ({ Config }) => (Config.User = "")),
      loosen("runs as root", "the user is root", ({ Config }) => (Config.User = "root")),
      loosen("runs as root", "the user is 0 of a group", ({ Config }) => (Config.User = "0:101")),
      loosen("can write to its file system", "the file system can be written to", ({ HostConfig }) => {
        HostConfig.ReadonlyRootfs = false;
      }),
      loosen("has capabilities", "nothing is dropped", ({ HostConfig }) => (HostConfig.CapDrop = null)),
      loosen("has capabilities", "not all is dropped", ({ HostConfig }) => (HostConfig.CapDrop = ["CHOWN"])),
      loosen("has capabilities", "one is added", ({ HostConfig }) => (HostConfig.CapAdd = ["CHOWN"])),
      loosen("is privileged", "it is privileged", ({ HostConfig }) => (HostConfig.Privileged = true)),
      loosen(
        "may gain privileges",
        "there are no options",
        ({ HostConfig }) => (HostConfig.SecurityOpt = null),
      ),
      loosen("may gain privileges", "there are other options", ({ HostConfig }) => {
        HostConfig.SecurityOpt = ["apparmor:a"];
      }),
      loosen("may gain privileges", "the option is off", ({ HostConfig }) => {
        HostConfig.SecurityOpt = ["no-new-privileges:false"];
      }),
      loosen("has no memory limit", "memory has no limit", ({ HostConfig }) => (HostConfig.Memory = 0)),
      loosen(
        "has no limit of processes",
        "processes have no limit",
        ({ HostConfig }) => (HostConfig.PidsLimit = null),
      ),
      loosen(
        "has no limit of processes",
        "the limit is none",
        ({ HostConfig }) => (HostConfig.PidsLimit = -1),
      ),
    ],
  });

  const answer =
    (exitCode: number, output: string): Fault[1] =>
    ({ engine }) => {
      engine.of("web").execute = () => Promise.resolve({ exitCode, output });
    };
  tryCheck({
    between: "all",
    name: "secrets are in no environment and no log",
    list,
    seen: /^1 secrets looked for$/,
    faults: [
      ["the app can't read them", answer(1, secret), /web can't read its secrets/],
      ["there are none", answer(0, "short"), /web can't read its secrets: short/],
      [
        "one is in an environment",
        ({ engine }) => engine.of("nginx").info.Config.Env.push(`PASSWORD=${secret}`),
        /docker inspect of nginx shows a secret/,
      ],
      [
        "one is in a log",
        ({ engine }) => engine.of("db").log.push(`is ${secret}.`),
        /the log of db shows a secret/,
      ],
      [
        "the second of two is in a log",
        (shop) => {
          answer(0, `another-secret-of-sixteen\n${secret}`)(shop);
          shop.engine.of("nginx").log.push(secret);
        },
        /the log of nginx shows a secret/,
      ],
      [
        "one of sixteen characters is in a log",
        (shop) => {
          answer(0, "0123456789abcdef")(shop);
          shop.engine.of("nginx").log.push("0123456789abcdef");
        },
        /the log of nginx shows a secret/,
      ],
      [
        "one is in the log of one that has ended",
        ({ engine }) => engine.of("migrate").log.push(secret),
        /the log of migrate shows a secret/,
      ],
    ],
  });
});
