import { type Outcome, runCommand } from "../lib/command/command.ts";
import { readStack } from "../lib/deploy/reading.ts";
import { exitCodes } from "../lib/errors.ts";
import { probeFor, urlOf } from "../lib/deploy/certificate.ts";
import { nameLines, readNames } from "../lib/deploy/names.ts";
import { outputsOf } from "../lib/deploy/outputs.ts";
import { healthLines } from "../lib/deploy/probe.ts";
import { resourceLines } from "../lib/deploy/resource-lines.ts";
import { httpsLines } from "../lib/release/certificate.ts";
import { appLine, releaseLines } from "../lib/release/figures.ts";
import { hostNewsLines } from "../lib/release/host-news.ts";
import { maintenanceLine } from "../lib/release/maintenance.ts";
import type { Session } from "../lib/command/session.ts";

async function status(session: Session): Promise<Outcome> {
  const reading = await readStack(session);
  const { declarations, parts, observations, plan } = reading;
  const rows = declarations
    .filter(({ isRetired }) => isRetired !== true)
    .map(({ name, kind }) => {
      const action = plan.steps.find((step) => step.name === name)?.action;
      const id = observations.get(name)?.observed.id;
      const state = id === undefined ? "absent" : action === undefined ? "ok" : "differs";
      return { name, kind, id, state } as const;
    });
  const { address, release, rollout, app, host, https } = outputsOf(parts, observations);
  const url = address && urlOf(session.config, address, https);
  const names = await readNames(session, reading, address);
  const health = url === undefined ? undefined : await probeFor(session, url, 3_000);
  const data = {
    stack: session.config.stack,
    resources: rows,
    url,
    health,
    release,
    rollout,
    app,
    host,
    https,
    domains: names.length === 0 ? undefined : names,
  };
  session.report.data("status", data, [
    ...resourceLines(session.config.stack, rows),
    "",
    `url         ${url ?? "none"}`,
    ...(release?.maintenance === undefined
      ? healthLines(health, app?.log)
      : [maintenanceLine(release.maintenance)]),
    ...nameLines(names),
    ...httpsLines(https),
    ...releaseLines(release, rollout),
    appLine(app, Date.now()),
    ...hostNewsLines(host),
  ]);
  return { outcome: "done", exitCode: exitCodes.done, url };
}

await runCommand({
  name: "status",
  summary: "shows each resource, the URL, and how the app looks from outside",
  help: ["Changes nothing. Exit codes: 0 done, 1 failed, 3 bad input, 130 interrupted."],
  run: status,
});
