import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { converge } from "../../lib/engine/converge.ts";
import { destroy } from "../../lib/engine/destroy.ts";
import { listAll } from "../../lib/engine/owned.ts";
import { differences, isPending, type Plan } from "../../lib/engine/plan.ts";
import { type Identify, readAll } from "../../lib/engine/read.ts";
import type { Wish } from "../../lib/engine/wish.ts";
import { newDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { Journal } from "../../state/journal.ts";
import { openStateStore } from "../../state/store.ts";
import { contextWithoutAws } from "./fake-cloud.ts";

const root = await mkdtemp(join(tmpdir(), "berth-engine-"));
after(() => rm(root, { recursive: true, force: true }));

export const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
export const identify: Identify = (name, generation, { lineage }) => ({
  stack: "hello",
  name,
  generation,
  lineage,
  tags: {},
});
const silent = { begin: () => () => {}, end: () => {}, fail: () => {} };

/** A stack whose state lives in a folder, as two runs in a row would see it. */
export async function openStack() {
  const store = openStateStore(openFileStore(await mkdtemp(join(root, "state-"))), scope);
  const ctx = contextWithoutAws();
  const read = async (wishes: readonly Wish[]) => {
    const loaded = await store.load();
    const document = loaded?.document ?? newDocument(scope);
    const found = await readAll({ ctx, wishes, document, identify });
    const journal = new Journal({
      store,
      start: loaded ?? { document },
      writer: "test",
      rescueFile: join(root, "rescue.json"),
    });
    return { found, document, journal, plan: differences({ wishes, found, document, inputs: undefined }) };
  };
  const up = async (wishes: readonly Wish[]): Promise<Plan> => {
    const { found, journal, plan } = await read(wishes);
    const options = {
      ctx,
      wishes,
      found,
      inputs: undefined,
      plan,
      journal,
      identify,
      progress: silent,
      patienceMs: 20,
    };
    if (isPending(plan)) await converge(options);
    return plan;
  };
  const down = async (wishes: readonly Wish[]) => {
    const targets = await listAll(wishes, ctx, "hello");
    const { journal } = await read(wishes);
    await destroy({ ctx, wishes, targets, journal, progress: silent });
  };
  return { up, down, read, store, ctx };
}
