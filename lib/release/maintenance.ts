import { createHash } from "node:crypto";
import type { ObjectStore } from "../../state/object-store.ts";
import { type Published, releaseKey } from "./document.ts";
import { type MaintenanceFigures, minuteText, shortCaller } from "./figures.ts";
import type { HostReport } from "./reports.ts";
import type { Maintenance } from "./schema.ts";
import { writeDocument } from "./stored-document.ts";

/** What visitors see if the user has no page of their own. It loads nothing: there is no other file to load from. */
export const ownPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Maintenance</title>
<style>body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem }</style>
<h1>Maintenance</h1>
<p>This site is being worked on, and will be back soon.</p>
</html>
`;

/**
 * Switches maintenance on, with this page, or off. It stands in the published release, which hosts read anyway; number and
 * content stay, so nothing is started anew.
 *
 * @throws BerthError `ReleaseConflict` if the stored version is no longer the one that was read.
 */
export async function publishMaintenance(
  store: ObjectStore,
  { release, etag }: Published,
  maintenance: Maintenance | undefined,
): Promise<void> {
  const { maintenance: _before, ...rest } = release;
  const content = { ...rest, ...(maintenance === undefined ? {} : { maintenance }) };
  await writeDocument(store, {
    key: releaseKey,
    content,
    etag,
    conflict: { code: "ReleaseConflict", resource: "release" },
  });
}

/** Whether the host shows this page, or the app if there is none. It names a page by its hash. */
export function showsPage(report: HostReport | undefined, maintenance: Maintenance | undefined): boolean {
  return report !== undefined && report.maintenance === (maintenance && pageHash(maintenance.page));
}

export const pageHash = (page: string): string => createHash("sha256").update(page).digest("hex");

export const maintenanceText = (figures: MaintenanceFigures): string => `maintenance is ${onSince(figures)}`;

/** The same as one of the lines of `status`. */
export const maintenanceLine = (figures: MaintenanceFigures): string => `maintenance ${onSince(figures)}`;

const onSince = ({ since, by }: MaintenanceFigures): string =>
  `on since ${minuteText(since)} by ${shortCaller(by)}: every request gets a 503 and the page`;
