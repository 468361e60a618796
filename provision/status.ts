import { type Outcome, runCommand } from "../lib/command/command.ts";
import { watchingNews } from "../lib/deploy/alarm-lines.ts";
import { type Reading, readStack } from "../lib/deploy/reading.ts";
import { refreshFigures } from "../lib/deploy/fresh-figures.ts";
import { exitCodes } from "../lib/errors.ts";
import { estimateCost } from "../lib/deploy/cost.ts";
import { probeFor, urlOf } from "../lib/deploy/certificate.ts";
import { readMetrics } from "../lib/deploy/metrics-reading.ts";
import { readNames } from "../lib/deploy/names.ts";
import { outputsOf } from "../lib/deploy/outputs.ts";
import { statusLines } from "../lib/deploy/status-lines.ts";
import { metricsNamespace } from "../lib/aws/names.ts";
import { bucketOf, type Session } from "../lib/command/session.ts";
import { sendsMetrics } from "../lib/config/metrics.ts";
import { readServing } from "../lib/release/serving.ts";
import { openS3Store } from "../state/s3-store.ts";

async function status(session: Session): Promise<Outcome> {
  const reading = session.flags.fresh ? await readFresh(session) : await readStack(session);
  const { declarations, parts, observations, plan } = reading;
  const rows = declarations
    .filter(({ isRetired }) => isRetired !== true)
    .map(({ name, kind }) => {
      const action = plan.steps.find((step) => step.name === name)?.action;
      const id = observations.get(name)?.observed.id;
      const state = id === undefined ? "absent" : action === undefined ? "ok" : "differs";
      return { name, kind, id, state } as const;
    });
  const outputs = outputsOf(parts, observations);
  const { address, instance, release, rollout, app, host, https } = outputs;
  const url = address && urlOf(session.config, address, https);
  const names = await readNames(session, reading, address);
  const place = { namespace: metricsNamespace(session.config), instance };
  const [health, metrics, serving] = await Promise.all([
    url === undefined ? undefined : probeFor(session, url, 3_000),
    sendsMetrics(session.config) ? readMetrics(session.ctx, place, Date.now()) : undefined,
    readServing(openS3Store(bucketOf(session)), release?.number, rollout),
  ]);
  const cost = estimateCost(session.config, reading.freeTierEligible);
  const watching = watchingNews(session.config, reading);
  const differs = plan.steps.map(({ name, action }) => ({ name, action }));
  const data = {
    stack: session.config.stack,
    resources: rows,
    differs,
    cost: cost.monthlyUsd,
    hosts: instance === undefined ? [] : [instance],
    url,
    health,
    release,
    rollout,
    serving,
    app,
    host,
    metrics,
    https,
    watching,
    domains: names.length === 0 ? undefined : names,
  };
  const shown = {
    ...outputs,
    stack: data.stack,
    url,
    health,
    metrics,
    serving,
    names,
    cost,
    watching,
    resources: rows,
    differs,
  };
  session.report.data("status", data, statusLines(shown, Date.now()));
  return { outcome: "done", exitCode: exitCodes.done, url };
}

async function readFresh(session: Session): Promise<Reading> {
  const reading = await readStack(session);
  const isNewer = await refreshFigures(session, outputsOf(reading.parts, reading.observations));
  return isNewer ? readStack(session) : reading;
}

await runCommand({
  name: "status",
  summary: "shows on one screen what serves, how the app does, and what differs from berth.yaml",
  examples: [
    ["berth status", "the stack of the nearest berth.yaml"],
    ["berth status --stack shop-test", "another stack with the same settings"],
    ["berth status --fresh", "with what the hosts have counted until now"],
    ["berth status --json", "the same and more, for scripts"],
  ],
  help: ["Changes nothing. Exit codes: 0 done, 1 failed, 3 bad input, 130 interrupted."],
  run: status,
});
