import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, it } from "node:test";
import { hostFiles, launcherFiles } from "../../lib/host/host-files.ts";
import { pythonPath } from "../../lib/local/python.ts";
import { fromRoot } from "../../lib/paths.ts";
import { run } from "../../setup/child-process.ts";
import { chooseLines, readNginxLines } from "./nginx-lines.ts";
import { edge, switchBehindEdge } from "./pinned-nginx.ts";

const folder = await mkdtemp(join(tmpdir(), "berth-limits-"));
after(() => rm(folder, { recursive: true, force: true }));

const shipped = new Map([...hostFiles(), ...launcherFiles()].map(({ path, text }) => [basename(path), text]));

function read(name: string): string {
  const text = shipped.get(name);
  assert.ok(text !== undefined, `${name} isn't shipped`);
  return text;
}

/** The edge's configuration as setup.sh has it written for a release with these settings. */
async function renderEdge(settings: object): Promise<string> {
  const told = join(folder, "edge.json");
  await writeFile(told, JSON.stringify(settings));
  const lib = fromRoot("lib/host/agent/usr/local/lib/berth");
  const system = ["edge_user=www-data", "clear_headers="];
  const { code, lines } = await run(pythonPath, [
    "-B",
    join(lib, "edge_settings.py"),
    join(lib, "edge.conf"),
    told,
    ...system,
  ]);
  assert.equal(code, 0, lines.join("\n"));
  return lines.join("\n");
}

/** Lines without comments, sorted within each section: their order means nothing to systemd, sysctl and apt. */
function readSettings(text: string): string[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.flatMap((line, at) => {
    if (line.startsWith("[")) return [];
    const section = lines.slice(0, at).findLast((earlier) => earlier.startsWith("["));
    return section === undefined ? [line] : [`${section} ${line}`];
  });
}

/** What keeps services of Berth's own from the rest of the system. */
const sandbox = [
  "ProtectHome=yes",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "ProtectKernelTunables=yes",
  "ProtectKernelModules=yes",
  "ProtectControlGroups=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "LockPersonality=yes",
  "SystemCallArchitectures=native",
];

/** What sends something to CloudWatch: it may be slow, and reaches nothing that it doesn't need. */
const senderUnit = (sent: string, program: string): string[] => [
  `[Unit] Description=Berth sends ${sent} to CloudWatch`,
  "[Unit] StartLimitIntervalSec=0",
  ...[
    `ExecStart=/usr/bin/python3 -B /usr/local/lib/berth/${program}.py`,
    "Restart=on-failure",
    "RestartSec=5",
    "Environment=PYTHONPATH=/usr/local/lib/berth-launcher",
    "Nice=10",
    "MemoryMax=150M",
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ReadWritePaths=/var/lib/berth",
    ...sandbox,
  ].map((line) => `[Service] ${line}`),
];

/** Whole files: each line of them is a limit, or keeps somebody out. */
const files: Readonly<Record<string, readonly string[]>> = {
  "60-berth-sysctl.conf": [
    "-net.core.somaxconn = 4096",
    "-net.ipv4.tcp_syncookies = 1",
    "-net.ipv4.conf.all.accept_redirects = 0",
    "-net.ipv4.conf.all.send_redirects = 0",
    "-net.ipv4.conf.all.accept_source_route = 0",
    "-kernel.dmesg_restrict = 1",
    "-kernel.kptr_restrict = 2",
    "-fs.protected_fifos = 2",
    "-fs.protected_regular = 2",
  ],
  "60-berth-apt.conf": [
    'APT::Periodic::Update-Package-Lists "1";',
    'APT::Periodic::Unattended-Upgrade "1";',
    'Dpkg::Options { "--force-confold"; };',
  ],
  "journald-berth.conf": ["[Journal] SystemMaxUse=100M"],
  "docker-berth.conf": ["[Unit] StartLimitIntervalSec=0"],
  "nginx-berth.conf": [
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "Restart=always",
      "RestartSec=100ms",
      "RestartSteps=5",
      "RestartMaxDelaySec=1",
      "RestartMode=direct",
      "NoNewPrivileges=yes",
      "ProtectHome=yes",
      "PrivateTmp=yes",
      "ProtectKernelTunables=yes",
      "ProtectKernelModules=yes",
      "LogRateLimitIntervalSec=60",
      "LogRateLimitBurst=600",
      "TemporaryFileSystem=/var/spool/berth:size=15%,mode=1777",
    ].map((line) => `[Service] ${line}`),
  ],
  "berth-switch.service": [
    "[Unit] Description=Berth's switch between releases",
    "[Unit] After=network.target",
    "[Unit] PartOf=nginx.service",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "ExecStart=/usr/sbin/nginx -c /usr/local/lib/berth/switch.conf",
      "ExecReload=/usr/sbin/nginx -c /usr/local/lib/berth/switch.conf -t -q",
      "ExecReload=/bin/kill -HUP $MAINPID",
      "KillSignal=SIGQUIT",
      "TimeoutStopSec=35",
      "Restart=always",
      "RestartSec=100ms",
      "RestartSteps=5",
      "RestartMaxDelaySec=1",
      "DynamicUser=yes",
      "RuntimeDirectory=berth-switch",
      "TemporaryFileSystem=/var/spool/berth-switch:size=10%,mode=1777",
      "CapabilityBoundingSet=",
      "LimitNOFILE=20000",
      "PrivateDevices=yes",
      "ProtectHome=yes",
      "ProtectKernelTunables=yes",
      "ProtectKernelModules=yes",
      "ProtectControlGroups=yes",
      "RestrictAddressFamilies=AF_UNIX AF_INET",
      "RestrictNamespaces=yes",
      "SystemCallArchitectures=native",
    ].map((line) => `[Service] ${line}`),
    "[Install] WantedBy=multi-user.target",
  ],
  "berth-edge.service": [
    "[Unit] Description=The edge reads the settings of Berth's release",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "Type=oneshot",
      "ExecStart=/usr/local/lib/berth/setup.sh edge",
      "NoNewPrivileges=yes",
      "ProtectHome=yes",
      "PrivateTmp=yes",
    ].map((line) => `[Service] ${line}`),
  ],
  "berth-launcher.service": [
    "[Unit] Description=Berth keeps this host at the desired agent",
    "[Unit] Wants=network-online.target",
    "[Unit] After=network-online.target",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "ExecStart=/usr/bin/python3 -B /usr/local/lib/berth-launcher/launcher.py",
      "Restart=always",
      "RestartSec=2",
      "StandardOutput=journal+console",
      "StandardError=inherit",
      "StateDirectory=berth-launcher",
      "CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_FOWNER",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "ReadWritePaths=/usr/local/lib /etc /run",
      ...sandbox,
    ].map((line) => `[Service] ${line}`),
    "[Install] WantedBy=multi-user.target",
  ],
  "berth-certificate.service": [
    "[Unit] Description=Berth gets and renews the certificate",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "Type=oneshot",
      "ExecStart=/usr/bin/python3 -B /usr/local/lib/berth/certificate.py",
      "Environment=AWS_EC2_METADATA_V1_DISABLED=true",
      "Environment=PYTHONPATH=/usr/local/lib/berth-launcher",
      "Nice=10",
      "MemoryMax=200M",
      "TimeoutStartSec=300",
      "CapabilityBoundingSet=CAP_CHOWN",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "ReadWritePaths=/var/lib/berth /var/lib/berth-tls",
      ...sandbox,
    ].map((line) => `[Service] ${line}`),
  ],
  "berth-logs.service": senderUnit("logs", "logs"),
  "berth-metrics.service": senderUnit("numbers", "metrics"),
  "berth-shell.service": [
    "[Unit] Description=Berth starts or ends the agent of Session Manager",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "Type=oneshot",
      "ExecStart=/usr/bin/python3 -B /usr/local/lib/berth/shell_agent.py",
      "Environment=PYTHONPATH=/usr/local/lib/berth-launcher",
      "TimeoutStartSec=1800",
      "Nice=10",
    ].map((line) => `[Service] ${line}`),
  ],
  "berth-data.service": [
    "[Unit] Description=Berth mounts the data volume",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "Type=oneshot",
      "ExecStart=/usr/bin/python3 -B /usr/local/lib/berth/data.py",
      "CapabilityBoundingSet=CAP_SYS_ADMIN CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_SYS_RESOURCE",
      "NoNewPrivileges=yes",
      "RestrictAddressFamilies=AF_UNIX",
      "RestrictRealtime=yes",
      "LockPersonality=yes",
      "SystemCallArchitectures=native",
    ].map((line) => `[Service] ${line}`),
  ],
  "berth.service": [
    "[Unit] Description=Berth keeps this host at the desired release",
    "[Unit] Wants=network-online.target",
    "[Unit] After=network-online.target docker.service berth-switch.service",
    "[Unit] StartLimitIntervalSec=0",
    ...[
      "ExecStartPre=+/usr/local/lib/berth/setup.sh",
      "TimeoutStartSec=infinity",
      "ExecStart=/usr/bin/python3 -B /usr/local/lib/berth/converge.py",
      "ExecStopPost=-/usr/bin/python3 -B /usr/local/lib/berth/last_words.py",
      "StandardOutput=journal+console",
      "StandardError=inherit",
      "Restart=always",
      "RestartSec=2",
      "Environment=DOCKER_CONFIG=/etc/berth/docker AWS_ECR_DISABLE_CACHE=true AWS_EC2_METADATA_V1_DISABLED=true",
      "Environment=PYTHONPATH=/usr/local/lib/berth-launcher",
      "StateDirectory=berth",
      "LogsDirectory=berth",
      "RuntimeDirectory=berth",
      "CapabilityBoundingSet=",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "ReadWritePaths=-/run/berth-secrets",
      ...sandbox,
    ].map((line) => `[Service] ${line}`),
  ],
};

describe("the host's limits", () => {
  it("keep containers running while the engine restarts, and no process of it between them and the edge", () => {
    assert.deepEqual(JSON.parse(read("daemon.json")), {
      "live-restore": true,
      "userland-proxy": false,
      runtimes: { berth: { path: "/usr/local/lib/berth/runtime.sh" } },
    });
  });

  for (const [name, lines] of Object.entries(files)) {
    it(`are these in ${name}`, () => assert.deepEqual(readSettings(read(name)).toSorted(), lines.toSorted()));
  }

  it("are these at the edge, by the default settings", async () => {
    const configuration = await renderEdge({});
    assert.deepEqual(chooseLines(readNginxLines(configuration), edge), edge);
  });

  it("are these at the switch", () => {
    assert.deepEqual(chooseLines(readNginxLines(read("switch.conf")), switchBehindEdge), switchBehindEdge);
  });

  it("come to the host, each file to the one place where it is read", () => {
    const places = hostFiles().map(({ path }) => path);
    const share = [
      "acme_order.py",
      "app_secrets.py",
      "app_shell.sh",
      "attempts.py",
      "aws_call.py",
      "bounds.py",
      "bucket.py",
      "certificate.py",
      "certificate_files.py",
      "certificate_plan.py",
      "certificate_store.py",
      "command.py",
      "converge.py",
      "data.py",
      "edge.conf",
      "edge.py",
      "edge_log.py",
      "edge_settings.py",
    ];
    const more = [
      "ends.py",
      "figures.py",
      "gate.py",
      "health.py",
      "hindrance.py",
      "https.py",
      "images.py",
      "last_words.py",
      "logs.py",
      "maintenance.py",
      "metrics.py",
      "rates.py",
      "release_command.py",
      "renewal_info.py",
      "replicas.py",
      "reporter.py",
      "restarts.py",
    ];
    assert.deepEqual(places.toSorted(), [
      "/etc/apt/apt.conf.d/60-berth-apt.conf",
      "/etc/docker/daemon.json",
      "/etc/sysctl.d/60-berth-sysctl.conf",
      "/etc/systemd/journald.conf.d/journald-berth.conf",
      "/etc/systemd/system/berth-certificate.service",
      "/etc/systemd/system/berth-data.service",
      "/etc/systemd/system/berth-edge.service",
      "/etc/systemd/system/berth-logs.service",
      "/etc/systemd/system/berth-metrics.service",
      "/etc/systemd/system/berth-shell.service",
      "/etc/systemd/system/berth-switch.service",
      "/etc/systemd/system/berth.service",
      "/etc/systemd/system/docker.service.d/docker-berth.conf",
      "/etc/systemd/system/nginx.service.d/nginx-berth.conf",
      ...[
        ...share,
        ...more,
        "retries.pm",
        "runtime.py",
        "runtime.sh",
        "senders.py",
        "setup.sh",
        "shell.py",
        "shell_agent.py",
        "state.py",
        "switch.conf",
        "traffic.py",
        "trial.py",
        "users.py",
        "vitals.py",
        "volumes.py",
      ].map((name) => `/usr/local/lib/berth/${name}`),
    ]);
  });
});
