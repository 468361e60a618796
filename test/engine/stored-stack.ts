import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { destroy } from "../../lib/engine/destroy.ts";
import { listAll } from "../../lib/engine/owned.ts";
import { isPending, type Plan } from "../../lib/engine/plan.ts";
import type { Wish } from "../../lib/engine/wish.ts";
import { newDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { Journal } from "../../state/journal.ts";
import { openStateStore } from "../../state/store.ts";
import { contextWithoutAws } from "./fake-cloud.ts";
import { convergeRun, readRun, scope, silent } from "./run.ts";

const root = await mkdtemp(join(tmpdir(), "berth-engine-"));
after(() => rm(root, { recursive: true, force: true }));

/** A stack whose state lives in a folder, as two runs in a row would see it. */
export async function openStack() {
  const store = openStateStore(openFileStore(await mkdtemp(join(root, "state-"))), scope);
  const ctx = contextWithoutAws();
  const read = async (wishes: readonly Wish[]) => {
    const loaded = await store.load();
    const document = loaded?.document ?? newDocument(scope);
    const journal = new Journal({
      store,
      start: loaded ?? { document },
      writer: "test",
      rescueFile: join(root, "rescue.json"),
    });
    return { ...(await readRun(ctx, wishes, document)), document, journal };
  };
  const up = async (wishes: readonly Wish[]): Promise<Plan> => {
    const { found, journal, plan } = await read(wishes);
    if (isPending(plan)) {
      await convergeRun({ ctx, wishes, found, plan, journal, progress: silent, patienceMs: 20 });
    }
    return plan;
  };
  const down = async (wishes: readonly Wish[]) => {
    const targets = await listAll(wishes, ctx, "hello");
    const { journal } = await read(wishes);
    await destroy({ ctx, wishes, targets, journal, progress: silent });
  };
  return { up, down, read, store, ctx };
}
