import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { run } from "../../setup/child-process.ts";
import { root } from "../../lib/paths.ts";

const folder = await mkdtemp(join(tmpdir(), "berth-setup-script-"));
after(() => rm(folder, { recursive: true, force: true }));

const agent = join(root, "lib", "host", "agent");
const lib = join(agent, "usr", "local", "lib", "berth");
const packaging = ["dpkg-query", "dpkg", "apt-get", "dnf", "rpm"];
const commands = [...packaging, "iptables", "chgrp", "systemctl", "nginx", "dockerd", "sysctl", "sleep"];
/** Does what util-linux's does, and says that it was asked. */
const flock = 'shift; exec "$@"';
/** What setup.sh reads, and where. */
const places = {
  "edge.conf": "usr/local/lib/berth",
  "edge_settings.py": "usr/local/lib/berth",
  "certificate_plan.py": "usr/local/lib/berth",
  "switch.conf": "usr/local/lib/berth",
  "retries.pm": "usr/local/lib/berth",
  "journald-berth.conf": "etc/systemd/journald.conf.d",
  "60-berth-sysctl.conf": "etc/sysctl.d",
  "daemon.json": "etc/docker",
};
const debian =
  "docker.io docker-cli nginx-light libnginx-mod-http-perl libnginx-mod-http-headers-more-filter";
const patience =
  "-o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10";
const limit = "-m connlimit --connlimit-above 512 -j REJECT --reject-with tcp-reset";
const port = "INPUT -p tcp --dport 80 --syn";
/** What the packet filter is told, where no proxy is trusted. */
const limiting = [
  "iptables -w -N berth-edge",
  `iptables -w -A berth-edge -p tcp ${limit}`,
  ...[80, 443].map((one) => `iptables -w -C INPUT -p tcp --dport ${one} --syn -j berth-edge`),
  `iptables -w -D ${port} ${limit}`,
];

/** A machine of folders: the script's paths lie below `path`, and the system's commands write down what they are given. */
async function openMachine(id: string, number: number) {
  const path = join(folder, String(number));
  const bin = join(path, "bin");
  for (const one of ["bin", "etc/dnf/vars", "run", "var", ...Object.values(places)])
    await mkdir(join(path, one), { recursive: true });
  await writeFile(join(path, "etc/os-release"), `ID=${id}\n`);
  await writeFile(join(path, "etc/dnf/automatic.conf"), "upgrade_type = security\napply_updates = yes\n");
  for (const [name, place] of Object.entries(places))
    await writeFile(join(path, place, name), await readFile(join(agent, place, name)));
  const script = await readFile(join(lib, "setup.sh"), "utf8");
  await writeFile(
    join(path, "setup.sh"),
    script.replaceAll(/(?<=[\s>"=])\/(?=(etc|run|usr|var)\/)/g, `${path}/`),
  );
  const answer = async (command: string, body: string) => {
    await writeFile(
      join(bin, command),
      `#!/bin/sh\nprintf "%s\\n" "${command} $*" >>"${path}/calls"\n${body}\n`,
    );
    await chmod(join(bin, command), 0o755);
  };
  for (const command of commands) await answer(command, "exit 0");
  await answer("flock", flock);
  return {
    answer,
    file: (name: string) => readFile(join(path, name), "utf8"),
    write: (name: string, text: string) => writeFile(join(path, name), text),
    /** What the commands were given, in order, and how the script ended. */
    async setUp(...part: string[]) {
      await rm(join(path, "calls"), { force: true });
      const { code, lines } = await run("sh", [join(path, "setup.sh"), ...part], {
        environment: { PATH: `${bin}:${process.env["PATH"] ?? ""}` },
      });
      return {
        code,
        said: lines,
        calls: (await readFile(join(path, "calls"), "utf8").catch(() => ""))
          .trim()
          .replaceAll(`${path}/`, "/")
          .split("\n")
          .filter((call) => !call.startsWith("flock ")),
      };
    },
  };
}

let machines = 0;
const open = (id: string) => openMachine(id, machines++);

describe("the host's set-up", () => {
  it("installs nothing where all is there, limits connections, and starts engine, switch and edge", async () => {
    const machine = await open("debian");
    const { code, calls } = await machine.setUp();
    assert.equal(code, 0);
    assert.deepEqual(
      calls.filter((call) => !call.startsWith("dpkg-query")),
      [
        "systemctl is-active --quiet nginx.service",
        "systemctl restart systemd-journald.service",
        "sysctl --quiet --load=/etc/sysctl.d/60-berth-sysctl.conf",
        "chgrp www-data /var/lib/berth-tls",
        ...limiting,
        "sysctl --quiet --write net.netfilter.nf_conntrack_max=131072 net.netfilter.nf_conntrack_tcp_timeout_time_wait=15",
        "dockerd --validate --config-file /etc/docker/daemon.json",
        ...["docker", "berth-switch"].map((unit) => `systemctl try-reload-or-restart ${unit}.service`),
        "nginx -t -q -c /etc/nginx/nginx.conf.berth",
        "systemctl show --property MainPID --value nginx.service",
        "systemctl reload nginx.service",
        ...["docker", "berth-switch", "nginx"].flatMap((unit) => [
          `systemctl is-enabled --quiet ${unit}.service`,
          `systemctl start ${unit}.service`,
        ]),
      ],
    );
  });

  it("installs what is missing on Debian, patiently, with the edge configured before", async () => {
    const machine = await open("debian");
    await machine.answer("dpkg-query", "echo 'not-installed'");
    await machine.answer("systemctl", '[ "$1" != is-active ]');
    await machine.answer("apt-get", `test -e "$(dirname "$0")/../etc/nginx/nginx.conf"`);
    const { code, calls } = await machine.setUp();
    const all = `${debian} e2fsprogs python3-botocore python3-acme amazon-ecr-credential-helper unattended-upgrades`;
    const options = "-o Dpkg::Options::=--force-confold -qq install --yes --no-install-recommends";
    assert.equal(code, 0);
    assert.deepEqual(
      calls.filter((call) => /^(dpkg|apt-get) /.test(call)),
      [
        "dpkg --configure -a --force-confold",
        `apt-get ${patience} -qq update`,
        `apt-get ${patience} ${options} ${all}`,
      ],
    );
  });

  it("installs what is missing on Amazon Linux, and turns its security updates on", async () => {
    const machine = await open("amzn");
    await machine.answer("rpm", "exit 1");
    await machine.answer("dnf", "exit 0");
    await machine.write("etc/dnf/automatic.conf", "upgrade_type = default\napply_updates = no\n");
    const { code, calls } = await machine.setUp();
    assert.equal(code, 0);
    assert.deepEqual(
      calls.filter((call) => call.startsWith("dnf") || call.includes("dnf-automatic.timer")),
      [
        "dnf --setopt=timeout=10 --setopt=retries=5 --setopt=install_weak_deps=False -q -y install " +
          "docker nginx nginx-mod-http-perl e2fsprogs python3-botocore amazon-ecr-credential-helper dnf-automatic",
        "systemctl enable --quiet --now dnf-automatic.timer",
      ],
    );
    assert.equal(
      await machine.file("etc/dnf/automatic.conf"),
      "upgrade_type = security\napply_updates = yes\n",
    );
    assert.equal(await machine.file("etc/dnf/vars/releasever"), "latest\n");
  });

  it("turns Amazon Linux's security updates on where an earlier set-up ended right after its packages", async () => {
    const machine = await open("amzn");
    await machine.write("etc/dnf/automatic.conf", "upgrade_type = default\napply_updates = no\n");
    const { code, calls } = await machine.setUp();
    assert.equal(code, 0);
    assert.deepEqual(
      calls.filter((call) => call.startsWith("dnf") || call.includes("dnf-automatic.timer")),
      ["systemctl enable --quiet --now dnf-automatic.timer"],
    );
    assert.match(await machine.file("etc/dnf/automatic.conf"), /= security\napply_updates = yes\n/);
    assert.equal(await machine.file("etc/dnf/vars/releasever"), "latest\n");
  });

  it("fails when a package can't be installed, so that it is tried again", async () => {
    const machine = await open("debian");
    await machine.answer("dpkg-query", "echo 'not-installed'");
    await machine.answer("apt-get", "exit 100");
    const { code, calls } = await machine.setUp();
    assert.equal(code, 100);
    assert.ok(!calls.some((call) => call.startsWith("systemctl start")));
  });

  it("knows no other system", async () => {
    const { code, calls } = await (await open("alpine")).setUp();
    assert.deepEqual([code, calls], [1, []]);
  });

  it("writes the edge's configuration for the system, and serves nobody before a release", async () => {
    for (const [id, user, clear] of [
      ["debian", "www-data", "more_clear_input_headers X-Forwarded-* X-Original-*;"],
      ["amzn", "nginx", ""],
    ] as const) {
      const machine = await open(id);
      await machine.setUp();
      const lines = (await machine.file("etc/nginx/nginx.conf")).split("\n").map((line) => line.trim());
      assert.ok(lines.includes(`user ${user};`));
      assert.equal(lines.filter((line) => line === clear).length > 0, true);
      assert.ok(lines.includes("client_max_body_size 10m;"));
      assert.ok(!lines.some((line) => /@\w+@/.test(line)));
      assert.equal(
        await machine.file("var/lib/berth/upstreams.conf"),
        "upstream fresh { server 127.0.0.1:9; }\nupstream kept { server 127.0.0.1:9; }\n",
      );
      assert.equal(await machine.file("var/lib/berth/drain.conf"), "worker_shutdown_timeout 30s;\n");
      assert.equal(await machine.file("var/lib/berth/websockets.conf"), "");
    }
  });

  it("leaves alone what runs with its files, and the replicas that the switch knows", async () => {
    const machine = await open("debian");
    await machine.setUp();
    await machine.write("var/lib/berth/upstreams.conf", "upstream fresh {}\n");
    const { calls } = await machine.setUp();
    assert.deepEqual(
      calls.filter((call) => /reload|restart|sysctl .*--load|dockerd/.test(call)),
      [],
    );
    assert.equal(await machine.file("var/lib/berth/upstreams.conf"), "upstream fresh {}\n");
  });

  const told = {
    "usr/local/lib/berth/edge.conf": "systemctl reload nginx.service",
    "usr/local/lib/berth/switch.conf": "systemctl try-reload-or-restart berth-switch.service",
    "usr/local/lib/berth/retries.pm": "systemctl try-reload-or-restart berth-switch.service",
    "etc/docker/daemon.json": "systemctl try-reload-or-restart docker.service",
    "etc/systemd/journald.conf.d/journald-berth.conf": "systemctl restart systemd-journald.service",
    "etc/sysctl.d/60-berth-sysctl.conf": "sysctl --quiet --load=/etc/sysctl.d/60-berth-sysctl.conf",
  };
  for (const [file, call] of Object.entries(told)) {
    it(`tells of a changed ${file} once, and again until it was heard`, async () => {
      const machine = await open("debian");
      await machine.setUp();
      await machine.write(file, `${await machine.file(file)}\n`);
      const command = call.split(" ")[0] ?? "";
      const isOther = command === "sysctl" ? "exit 1" : `[ "$*" != "${call.slice(command.length + 1)}" ]`;
      await machine.answer(command, isOther);
      const about = ({ calls }: { calls: string[] }) =>
        calls.filter((one) => /reload|restart|^sysctl .*--load/.test(one));
      const refused = await machine.setUp();
      assert.deepEqual([about(refused), refused.code], [[call], 1]);
      await machine.answer(command, "exit 0");
      assert.deepEqual(about(await machine.setUp()), [call]);
      assert.deepEqual(about(await machine.setUp()), []);
    });
  }

  it("has clients leave the connections that they keep for as long as the edge would keep them, then reloads it", async () => {
    const machine = await open("debian");
    await machine.setUp();
    const edge = "usr/local/lib/berth/edge.conf";
    await machine.write(edge, `${await machine.file(edge)}\n`);
    await machine.write("var/lib/berth/serving.json", "{}");
    await machine.answer("sleep", 'test -e "$(dirname "$0")/../run/berth-leaving"');
    const { code, calls } = await machine.setUp();
    assert.equal(code, 0);
    assert.ok(calls.includes("sleep 66"));
    await assert.rejects(machine.file("run/berth-leaving"));
    assert.match(await machine.file(edge), /keepalive_timeout 65s;/);
  });

  const settings = (fields: object) => `${JSON.stringify(fields)}\n`;

  it("has the edge read a release's settings, and nothing else done", async () => {
    const machine = await open("debian");
    await machine.setUp();
    await machine.write("var/lib/berth/serving.json", "{}");
    await machine.write(
      "var/lib/berth/edge.json",
      settings({ bodyMib: 300, trustedProxies: ["10.0.0.0/8"] }),
    );
    const { code, calls } = await machine.setUp("edge");
    assert.equal(code, 0);
    assert.deepEqual(calls, [
      "systemctl is-active --quiet nginx.service",
      "nginx -t -q -c /etc/nginx/nginx.conf.berth",
      "sleep 66",
      "systemctl show --property MainPID --value nginx.service",
      "systemctl reload nginx.service",
      ...limiting.toSpliced(1, 0, "iptables -w -A berth-edge -s 10.0.0.0/8 -j RETURN"),
    ]);
    assert.match(await machine.file("etc/nginx/nginx.conf"), /client_max_body_size 300m;/);
    assert.equal(
      await machine.file("var/lib/berth/applied/edge.json"),
      await machine.file("var/lib/berth/edge.json"),
    );
  });

  it("doesn't reload the edge for settings that say the same", async () => {
    const machine = await open("debian");
    await machine.setUp();
    await machine.write("var/lib/berth/edge.json", settings({ bodyMib: 10, answerSeconds: 60 }));
    const { calls } = await machine.setUp("edge");
    assert.deepEqual(
      calls.filter((call) => /reload|sleep/.test(call)),
      [],
    );
    assert.match(await machine.file("var/lib/berth/applied/edge.json"), /answerSeconds/);
  });

  it("leaves the edge its settings where it is given none that a release may have, and doesn't say that it has them", async () => {
    const machine = await open("debian");
    await machine.setUp();
    const before = await machine.file("etc/nginx/nginx.conf");
    for (const wrong of [{ bodyMib: 0 }, { trustedProxies: ["0.0.0.0/0"] }, { underscores: "on; }" }]) {
      await machine.write("var/lib/berth/edge.json", settings(wrong));
      assert.equal((await machine.setUp("edge")).code, 1);
      assert.equal(await machine.file("etc/nginx/nginx.conf"), before);
      assert.equal(await machine.file("var/lib/berth/applied/edge.json"), "{}\n");
    }
  });

  it("does one thing at a time, whoever asks for it", async () => {
    const machine = await open("debian");
    await machine.answer("flock", "exit 7");
    for (const part of [[], ["edge"]]) assert.equal((await machine.setUp(...part)).code, 7);
  });

  it("takes an earlier agent's limit away, which made no exception", async () => {
    const machine = await open("debian");
    await machine.answer("iptables", '[ "$2" != -D ]');
    const { code, calls } = await machine.setUp();
    assert.equal(code, 0);
    assert.ok(calls.includes(`iptables -w -D ${port} ${limit}`));
  });

  it("doesn't have an edge wait that has just been started with its configuration", async () => {
    const machine = await open("debian");
    await machine.answer("systemctl", '[ "$1" != is-active ]');
    assert.equal((await machine.setUp()).code, 0);
    await machine.answer("systemctl", "exit 0");
    const { calls } = await machine.setUp();
    assert.ok(!calls.some((call) => /sleep|reload/.test(call)));
  });

  it("installs what a running edge's new configuration needs before it is tested", async () => {
    const machine = await open("debian");
    await machine.setUp();
    await machine.answer("dpkg-query", "echo 'not-installed'");
    const { calls } = await machine.setUp();
    const order = calls.flatMap(
      (call) => /^(apt-get .* install|nginx -t)/.exec(call)?.[0].split(" ")[0] ?? [],
    );
    assert.deepEqual(order, ["apt-get", "nginx"]);
  });

  it("lets clients keep their connections again after an end in between", async () => {
    const machine = await open("debian");
    await machine.setUp();
    await machine.write("run/berth-leaving", "");
    assert.equal((await machine.setUp()).code, 0);
    await assert.rejects(machine.file("run/berth-leaving"));
  });

  it("leaves a running edge its configuration when it would refuse another", async () => {
    const machine = await open("debian");
    await machine.setUp();
    const before = await machine.file("etc/nginx/nginx.conf");
    await machine.write("usr/local/lib/berth/edge.conf", "nonsense;\n");
    await machine.answer("nginx", "echo 'unknown directive nonsense' >&2; exit 1");
    const { code, said } = await machine.setUp();
    assert.equal(code, 1);
    assert.deepEqual(said, ["unknown directive nonsense"]);
    assert.equal(await machine.file("etc/nginx/nginx.conf"), before);
  });

  it("says nothing of what nginx only warns of: an agent's last words are read after it", async () => {
    const machine = await open("debian");
    await machine.answer("nginx", "echo '[warn] deprecated' >&2");
    const { code, said } = await machine.setUp();
    assert.equal(code, 0);
    assert.deepEqual(said, []);
  });

  it("leaves the engine alone when it would refuse its settings", async () => {
    const machine = await open("debian");
    await machine.answer("dockerd", "exit 1");
    const { code, calls } = await machine.setUp();
    assert.equal(code, 1);
    assert.ok(!calls.some((call) => call.includes("docker.service")));
  });

  it("adds the limit and the units where they are missing, and goes on without a packet filter", async () => {
    const machine = await open("debian");
    await machine.answer("iptables", "exit 1");
    await machine.answer("systemctl", '[ "$1" != is-enabled ]');
    const { code, calls } = await machine.setUp();
    assert.equal(code, 0);
    assert.deepEqual(
      calls.filter((call) => /iptables|enable /.test(call)),
      [
        "iptables -w -N berth-edge",
        "iptables -w -F berth-edge",
        `iptables -w -D ${port} ${limit}`,
        "systemctl enable --quiet docker.service",
        "systemctl enable --quiet berth-switch.service",
        "systemctl enable --quiet nginx.service",
      ],
    );
  });
});
