import { type CommandSpec, type Outcome, runCommand } from "../lib/command/command.ts";
import type { Session } from "../lib/command/session.ts";
import { confirm } from "../lib/deploy/confirmation.ts";
import { readHosts } from "../lib/deploy/hosts.ts";
import { withLease } from "../lib/deploy/lease.ts";
import { awaitPage, readPage, requireRelease, setMaintenance } from "../lib/deploy/maintenance.ts";
import { exitCodes } from "../lib/errors.ts";
import { invocation } from "../lib/invocation.ts";
import { maintenanceText, ownPage } from "../lib/release/maintenance.ts";
import type { Maintenance } from "../lib/release/schema.ts";

async function on(session: Session): Promise<Outcome> {
  const { config, caller, flags } = session;
  const page = flags.page === undefined ? ownPage : await readPage(flags.page);
  const { release } = await requireRelease(session);
  if (release.maintenance?.page === page) {
    session.report.message(maintenanceText(release.maintenance));
    return { outcome: "unchanged", exitCode: exitCodes.done };
  }
  await confirm(session, `Show visitors of ${config.stack} the page in place of the app? Type yes:`, "yes");
  const since = release.maintenance?.since ?? new Date().toISOString();
  return change(session, { since, by: caller, page });
}

async function off(session: Session): Promise<Outcome> {
  const { release } = await requireRelease(session);
  if (release.maintenance !== undefined) return change(session, undefined);
  session.report.message("maintenance is off: visitors see the app");
  return { outcome: "unchanged", exitCode: exitCodes.done };
}

async function change(session: Session, wished: Maintenance | undefined): Promise<Outcome> {
  const hosts = await readHosts(session);
  await withLease(session, "maintenance", async (held) => {
    // Somebody else may have shipped a release since the user was asked. This goes with any.
    const found = await requireRelease(session);
    await setMaintenance(session, held.writeContext(), { found, wished });
  });
  await awaitPage(session, hosts, wished);
  const isOn = wished !== undefined;
  const shown = { isOn, ...(isOn ? { since: wished.since, by: wished.by } : {}) };
  session.report.data("maintenance", shown, [
    isOn ? maintenanceText(wished) : "maintenance is off: visitors see the app again",
    ...(isOn ? [`${invocation("maintenance off")} shows the app again`] : []),
  ]);
  return { outcome: "done", exitCode: exitCodes.done };
}

await runCommand({
  name: "maintenance",
  summary: "shows visitors a page in place of the app, or the app again",
  commands: [
    {
      name: "maintenance on",
      summary: "answers every request with 503 and a page",
      usesSource: false,
      examples: [
        ["berth maintenance on", "with Berth's own page"],
        ["berth maintenance on --page maintenance.html", "with a page of yours"],
      ],
      help: [
        "The page is one file of HTML of at most 64 KiB.",
        "The app goes on running, and so may what visitors have under way. up and rollback work as usual.",
        "Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held, 5 host silent, 130 interrupted.",
      ],
      run: on,
    },
    {
      name: "maintenance off",
      summary: "shows visitors the app again",
      usesSource: false,
      examples: [["berth maintenance off", "visitors see the app again"]],
      help: ["Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held, 5 host silent, 130 interrupted."],
      run: off,
    },
  ] satisfies CommandSpec[],
});
