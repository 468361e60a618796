import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { destroy } from "../../lib/engine/destroy.ts";
import { listAll } from "../../lib/engine/owned.ts";
import { isPending, type Plan } from "../../lib/engine/plan.ts";
import type { Declaration } from "../../lib/engine/declaration.ts";
import { newDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { Journal } from "../../state/journal.ts";
import { openStateStore } from "../../state/store.ts";
import { contextWithoutAws } from "./fake-cloud.ts";
import { convergeRun, readRun, scope, silent } from "./run.ts";

const root = await mkdtemp(join(tmpdir(), "berth-engine-"));
after(() => rm(root, { recursive: true, force: true }));

/** A stack whose state is in a folder, as two successive runs would see it. */
export async function openStack() {
  const store = openStateStore(openFileStore(await mkdtemp(join(root, "state-"))), scope);
  const ctx = contextWithoutAws();
  const read = async (declarations: readonly Declaration[]) => {
    const loaded = await store.load();
    const document = loaded?.document ?? newDocument(scope);
    const journal = new Journal({
      store,
      start: loaded ?? { document },
      writer: "test",
      rescueFile: join(root, "rescue.json"),
    });
    return { ...(await readRun(ctx, declarations, document)), document, journal };
  };
  const up = async (declarations: readonly Declaration[]): Promise<Plan> => {
    const { observations, journal, plan } = await read(declarations);
    if (isPending(plan)) {
      await convergeRun({ ctx, declarations, observations, plan, journal, progress: silent, patienceMs: 20 });
    }
    return plan;
  };
  const down = async (declarations: readonly Declaration[]) => {
    const targets = await listAll(declarations, ctx, "hello");
    const { journal } = await read(declarations);
    await destroy({ ctx, declarations, targets, journal, progress: silent });
  };
  return { up, down, read, store, ctx };
}
