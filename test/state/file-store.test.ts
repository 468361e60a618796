import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { openFileStore } from "../../state/file-store.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { leaseSuite } from "../contracts/lease-suite.ts";
import { objectStoreSuite } from "../contracts/object-store-suite.ts";

const root = await mkdtemp(join(tmpdir(), "berth-file-store-"));
after(() => rm(root, { recursive: true, force: true }));

async function open(): Promise<[ObjectStore, ObjectStore]> {
  const folder = join(await mkdtemp(join(root, "store-")), "not", "there", "yet");
  return [openFileStore(folder), openFileStore(folder)];
}

objectStoreSuite("file store", open);
leaseSuite("lease in a folder", open);
