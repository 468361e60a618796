import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import { parseStrictJson } from "../strict-json.ts";
import { parseProblem } from "./document.ts";

const mostLines = 50;
const longestLine = 1_000;

/** What a host wrote whose set-up or converger failed: lib/host/agent/usr/local/lib/berth/last_words.py. */
const journal = z.object({
  at: z.string().max(64),
  lines: z
    .array(z.string())
    .transform((lines) => lines.slice(-mostLines).map((line) => line.slice(0, longestLine))),
});

const hostJournalKey = (instanceId: string): string => `hosts/${instanceId}.journal.json`;

/**
 * The end of the journal that a host left in the bucket, under a heading; empty if it left none. Never fails, because it
 * only explains another failure.
 */
export async function readHostJournal(store: ObjectStore, instanceId: string): Promise<string[]> {
  try {
    const found = await store.get(hostJournalKey(instanceId));
    if (found === undefined) return [];
    const { at, lines } = journal.parse(parseStrictJson(found.body));
    return [`its journal at ${at}:`, ...lines];
  } catch (error) {
    return [`its journal can't be read: ${parseProblem(error)}`];
  }
}
