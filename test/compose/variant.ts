import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Document, parseDocument } from "yaml";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { fromRoot } from "../../lib/paths.ts";

export const composeFolder = fromRoot("compose");
export const composePath = join(composeFolder, "docker-compose.yml");

/** Builds the Django image from the current sources. */
export async function buildOnce(): Promise<void> {
  const { exitCode, lines } = await (await findComposeTool()).run(["-f", composePath, "build", "web"]);
  assert.equal(exitCode, 0, lines.join("\n"));
}

export interface Variant extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
}

/**
 * Writes a copy of the cluster's file to another folder, changed by `change`, with the same sources. The copy builds
 * nothing: it uses the image of `buildOnce`.
 */
export async function writeVariant(
  change: (document: Document, folder: string) => void | Promise<void>,
): Promise<Variant> {
  const folder = await mkdtemp(join(tmpdir(), "berth-variant-"));
  const text = (await readFile(composePath, "utf8")).replaceAll(/(?<=- |")\.\//g, `${composeFolder}/`);
  // Anchors are expanded, so that one service can be changed without the others.
  const document = new Document(parseDocument(text, { merge: true }).toJS(), {
    aliasDuplicateObjects: false,
    // Compose 1 reads an unquoted `no` as false.
    version: "1.1",
  });
  for (const service of ["secrets", "migrate", "web"]) document.deleteIn(["services", service, "build"]);
  // A database that is only there to be broken needs no disk.
  document.setIn(["volumes", "db-data", "driver_opts"], {
    type: "tmpfs",
    device: "tmpfs",
    o: "uid=999,gid=999,mode=0700",
  });
  // One small replica is enough to be broken.
  document.setIn(["services", "web", "scale"], 1);
  document.setIn(["services", "web", "environment", "WEB_CONCURRENCY"], "1");
  await change(document, folder);
  const path = join(folder, "docker-compose.yml");
  await writeFile(path, String(document));
  return { folder, path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
