import { setImmediate as nextTurn } from "node:timers/promises";
import { destroy } from "../../lib/engine/destroy.ts";
import { listAll } from "../../lib/engine/owned.ts";
import { LostReply } from "../../lib/errors.ts";
import type { Declaration } from "../../lib/engine/declaration.ts";
import { newDocument, type StateDocument } from "../../state/document.ts";
import { Journal } from "../../state/journal.ts";
import { contextWithoutAws, type FakeCloud } from "./fake-cloud.ts";
import { convergeRun, readRun, scope } from "./run.ts";

export interface Given {
  readonly cloud: FakeCloud;
  readonly document?: StateDocument;
  readonly signal?: AbortSignal;
  /** Each save ends when this promise resolves. */
  readonly saving?: () => Promise<void>;
  /**
   * How long to wait for a state to be observed. The default is so short that a state which never comes is given up at
   * once.
   */
  readonly patienceMs?: number;
}

/** One run whose calls, saves and messages are recorded in one list, in order of occurrence. */
export function openRun({ cloud, document = newDocument(scope), signal, saving, patienceMs }: Given) {
  const log: string[] = [];
  const saved: StateDocument[] = [];
  /** The notes to the user about what each step waits for. */
  const notes: string[] = [];
  cloud.afterEffect = (call) => void log.push(call);
  const ctx = contextWithoutAws(signal, patienceMs);
  const journal = new Journal({
    store: {
      location: "memory",
      load: () => Promise.resolve(undefined),
      save: async (body) => {
        log.push("save");
        await saving?.();
        saved.push(body);
        log.push("saved");
        return String(saved.length);
      },
    },
    start: { document },
    writer: "test",
    rescueFile: "/dev/null/rescue.json",
  });
  const progress = {
    begin: (name: string, action: string) => {
      log.push(`begin ${action} ${name}`);
      return (text: string) => void notes.push(`${name}: ${text}`);
    },
    end: (name: string, action: string, id: string) => void log.push(`end ${action} ${name} ${id}`),
    fail: (name: string, action: string) => void log.push(`fail ${action} ${name}`),
  };
  const explain = (error: unknown, what: string) =>
    error instanceof LostReply ? error : new Error(`${what} failed`, { cause: error });
  const down = async (declarations: readonly Declaration[], { hasDocument = true } = {}) => {
    const targets = await listAll(declarations, ctx, scope.stack);
    const told = hasDocument ? { journal } : {};
    return destroy({ ctx, declarations, targets, ...told, progress, explain });
  };
  const up = async (declarations: readonly Declaration[]) =>
    convergeRun({
      ...(await readRun(ctx, declarations, document)),
      ctx,
      declarations,
      journal,
      progress,
      patienceMs: 1,
      explain,
    });
  return { log, saved, notes, journal, up, down };
}

/** A save that takes as long as one to a real store: several turns of the event loop. */
export const slowly = () => nextTurn().then(() => nextTurn());

export const withResources = (
  resources: StateDocument["resources"],
  superseded: StateDocument["superseded"] = [],
) => ({
  ...newDocument(scope),
  resources,
  superseded,
});
