import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { connectDocker } from "../../lib/docker/connection.ts";
import { runPython } from "../attacks/host-role.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { until } from "../local/temporary-aws.ts";
import { failingApp } from "./apps.ts";
import { requireExit } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

const namespace = "Berth/measured";
const endpoint = "monitoring.eu-central-1.amazonaws.com";
const dropIn = "/etc/systemd/system/berth-metrics.service.d";
/** In place of the minute that the sender counts by. */
const periodS = 5;

describe("metrics of a booted host", () => {
  let home: Home;
  let stack: Stack;
  let url: string;
  let source: Awaited<ReturnType<typeof writeSourceFolder>>;
  before(async () => {
    home = await openHome();
    source = await writeSourceFolder(failingApp);
    stack = new Stack(home, "measured");
    await stack.configure({ source: source.path, lines: ["metrics: true"] });
    const first = await stack.up();
    requireExit(first, 0);
    url = String(first.summary["url"]);
    await until(async () => (await onHost("systemctl is-active berth-metrics || true")).trim() === "active");
    await onHost(
      `mkdir -p ${dropIn}; printf '[Service]\\nEnvironment=BERTH_METRICS_PERIOD_S=${periodS}\\n' > ${dropIn}/period.conf
      systemctl daemon-reload; systemctl restart berth-metrics`,
    );
  });
  after(async () => {
    await source?.[Symbol.asyncDispose]();
    await home?.[Symbol.asyncDispose]();
  });

  const onHost = async (script: string) => {
    const { ec2 } = await home.clients();
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    const id = Reservations[0]?.Instances?.[0]?.InstanceId ?? assert.fail("no host");
    return runInMachine(await connectDocker(), id, script);
  };
  /** Of all that CloudWatch has from before `untilMs`. */
  const statistic = async (MetricName: string, Stat: string, sinceMs = 0, untilMs = Date.now() + 60_000) => {
    const { cloudWatch } = await home.clients();
    const Metric = { Namespace: namespace, MetricName };
    const { MetricDataResults = [] } = await cloudWatch.send(
      new GetMetricDataCommand({
        StartTime: new Date(Math.max(sinceMs, Date.now() - 3_600_000)),
        EndTime: new Date(untilMs),
        MetricDataQueries: [{ Id: "a", MetricStat: { Metric, Stat, Period: 86_400 } }],
      }),
    );
    return MetricDataResults[0]?.Values?.[0] ?? 0;
  };
  /** Everything that was answered until now has been sent. */
  /** Waits for a whole period from now on, and returns from when on there is one. */
  const settle = async () => {
    const since = Date.now() + 2 * periodS * 1000;
    await until(async () => (await statistic("Serving", "SampleCount", since)) > 0);
    return since;
  };
  const ask = async (count: number, ms: number) => {
    const taken: number[] = [];
    let failed = 0;
    const askOn = async () => {
      while (taken.length < count) {
        const at = taken.push(0) - 1;
        const begun = performance.now();
        const { status } = await fetch(`${url}?ms=${ms}`);
        taken[at] = (performance.now() - begun) / 1000;
        failed += Number(status >= 500);
      }
    };
    await Promise.all(Array.from({ length: 8 }, askOn));
    return { taken, failed };
  };

  it("count each request as its client saw it, and each try apart", async () => {
    await settle();
    const sums = async () => ({
      requests: await statistic("FailedRequests", "SampleCount"),
      failedRequests: await statistic("FailedRequests", "Sum"),
      tries: await statistic("FailedTries", "SampleCount"),
      failedTries: await statistic("FailedTries", "Sum"),
    });
    const earlier = await sums();
    const since = Date.now();
    const quick = await ask(270, 50);
    const slow = await ask(30, 500);
    await settle();
    const later = await sums();

    assert.equal(later.requests - earlier.requests, 300);
    assert.equal(later.failedRequests - earlier.failedRequests, quick.failed + slow.failed);
    assert.ok(quick.failed + slow.failed <= 3, "the edge repeats what fails");
    const tries = later.tries - earlier.tries;
    const share = (later.failedTries - earlier.failedTries) / tries;
    assert.ok(tries > 320 && share > 0.07 && share < 0.13, `${share} of ${tries}`);
    // The edge's times lie between what the app takes and what the client sees, but for the rounding.
    const seen = [...quick.taken, ...slow.taken].toSorted((one, other) => one - other);
    for (const [stat, place, least] of [
      ["p50", 150, 0.05],
      ["p99", 297, 0.5],
    ] as const) {
      const value = await statistic("ResponseTime", stat, since - periodS * 1000);
      const most = seen[place + 2] ?? 0;
      assert.ok(value > least * 0.94 && value < most * 1.06, `${stat}: ${least} < ${value} < ${most}`);
    }
  });

  it("say that the host serves, what it has used up, and that a replica came back", async () => {
    assert.equal(await statistic("Serving", "Minimum", await settle()), 1);
    for (const name of ["MemoryUsed", "DiskUsed"]) {
      const used = await statistic(name, "Maximum");
      assert.ok(used > 0 && used <= 100, `${name}: ${used}`);
    }
    assert.equal(await statistic("CertificateDays", "SampleCount"), 0);
    assert.equal(await statistic("Restarts", "Sum"), 0);
    await onHost("docker kill app-1-0");
    await until(async () => (await statistic("Restarts", "Sum")) === 1);
  });

  it("come later, with their time, when CloudWatch was away", async () => {
    await settle();
    const earlier = await statistic("FailedRequests", "SampleCount");
    await onHost(`echo 127.0.0.1 ${endpoint} >> /etc/hosts`);
    try {
      await ask(20, 0);
      await until(async () => (await onHost("journalctl -u berth-metrics -o cat")).includes("trying again"));
      await onHost("systemctl kill --signal=KILL berth-metrics");
      const killed = Date.now();
      await until(async () => Date.now() > killed + 2 * periodS * 1000);
      assert.equal(await statistic("FailedRequests", "SampleCount"), earlier);
    } finally {
      // The file itself is mounted, so nothing can take its place.
      await onHost("grep -v amazonaws /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts");
    }
    const back = Date.now();
    await until(async () => (await statistic("FailedRequests", "SampleCount")) === earlier + 20);
    assert.equal(
      await statistic("FailedRequests", "SampleCount", 0, back - 2 * periodS * 1000),
      earlier + 20,
    );
  });

  it("are taken from the host's role for its own stack alone", async () => {
    const send = (name: string) =>
      runPython(
        onHost,
        `import sys, time
sys.path += ["/usr/local/lib/berth", "/usr/local/lib/berth-launcher"]
import aws_call, state
service = aws_call.service_of(state.read_settings(), "monitoring", "GraniteServiceVersion20100801", "1.0")
data = [{"MetricName": "Test", "Timestamp": int(time.time()), "Value": 1.0}]
try:
    aws_call.Client(service).call("PutMetricData", {"Namespace": "${name}", "MetricData": data})
    print("taken")
except aws_call.Refusal as refusal:
    print(refusal.code)`,
      );
    assert.equal((await send(namespace)).trim(), "taken");
    for (const other of ["Berth/other", "AWS/EC2", "berth/measured"])
      assert.equal((await send(other)).trim(), "AccessDeniedException", other);
  });

  it("are shown by status, as soon as their minute is over", async () => {
    const minute = Math.floor(Date.now() / 60_000);
    await until(async () => Math.floor(Date.now() / 60_000) > minute);
    const shown = await stack.status();
    requireExit(shown, 0);
    const status = shown.events.find(({ event }) => event === "status");
    assert.match(JSON.stringify(status?.["metrics"]), /"seconds":\{"p50":0\.[0-9.e-]+,"p90":/);
  });

  it("are switched off without a new replica", async () => {
    const containers = () => onHost("docker ps --quiet --no-trunc | sort");
    const running = await containers();
    await stack.configure({ source: source.path });
    requireExit(await stack.up(), 0);
    await until(
      async () => (await onHost("systemctl is-active berth-metrics || true")).trim() === "inactive",
    );
    assert.equal(await containers(), running);
    assert.match(await onHost("docker ps --format '{{.Names}}'"), /app-1-0/);
  });
});
