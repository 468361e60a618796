import { type Outcome, runCommand } from "../lib/command/command.ts";
import { withLease } from "../lib/deploy/lease.ts";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { takeSnapshot } from "../lib/resources/storage/data-snapshot.ts";
import { listDataVolumes } from "../lib/resources/storage/data-volume.ts";
import type { Session } from "../lib/command/session.ts";

async function snapshot(session: Session): Promise<Outcome> {
  const { ctx, config, report } = session;
  const { stack, tags: userTags } = config;
  const volumes = await listDataVolumes(ctx, stack);
  if (volumes.length === 0) throw noData(stack);
  const taken = await withLease(session, "snapshot", async (held) => {
    const write = held.writeContext();
    return Promise.all(
      volumes.map(async ({ id: volumeId, gib }) => {
        const id = await takeSnapshot(write, { stack, volumeId, userTags });
        return { id, volumeId, gib };
      }),
    );
  });
  const lines = taken.map(({ id, volumeId, gib }) => `${id}  ${gib} GiB of ${volumeId}`);
  report.data("snapshots", { snapshots: taken }, lines);
  return { outcome: "done", exitCode: exitCodes.done };
}

function noData(stack: string): BerthError {
  return new BerthError({
    code: "NoData",
    message: `${stack} has no data volume, so there is nothing to take a snapshot of`,
    hint: "app.volumes in berth.yaml gives an app storage that lasts (docs/volumes.md)",
    exitCode: exitCodes.badInput,
  });
}

await runCommand({
  name: "snapshot",
  summary: "takes a snapshot of the app's data, while the app goes on",
  usesSource: false,
  examples: [
    ["berth snapshot", "of the data as it is now"],
    ["berth snapshot --json", "the same, with the id for scripts"],
  ],
  help: [
    "The snapshot holds what is on the disk at this moment. AWS copies it in the background. It stays until somebody deletes it.",
    "Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held, 130 interrupted.",
  ],
  run: snapshot,
});
