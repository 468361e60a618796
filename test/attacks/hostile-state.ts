import { newDocument, type StateDocument } from "../../state/document.ts";
import type { Finished } from "../commands/command-line.ts";
import type { Attack } from "./attack.ts";
import { type Foreign, foreigners } from "./foreigners.ts";
import type { SideStack } from "./side-stacks.ts";
import { withSmallHeap } from "./small-heap.ts";
import type { Target } from "./target.ts";
import { hostileText, isSafeForTerminal } from "./terminal.ts";

type Name = (
  document: StateDocument,
  foreign: { readonly kind: string; readonly id: string },
) => StateDocument;

const asResource: Name = (document, { kind, id }) => ({
  ...document,
  resources: { [kind]: { kind, generation: 1, id } },
});
const asSuperseded: Name = (document, { kind, id }) => ({
  ...document,
  superseded: [{ name: kind, kind, generation: 1, id }],
});

let stacks = 0;
const openSide = ({ side }: Target): Promise<SideStack> => side.open(`s${(stacks += 1)}`);

async function destroyByDown(target: Target, { kind, make, isThere }: Foreign, name: Name): Promise<string> {
  const stack = await openSide(target);
  const { clients } = target.side;
  const id = await make(clients, `somebody-${stack.scope.stack}`);
  await stack.put("state.json", JSON.stringify(name(newDocument(stack.scope), { kind, id })));
  await stack.command("teardown/down.ts", "--yes");
  return isThere(clients, id).then(
    () => "still there",
    () => "destroyed",
  );
}

const attack = (name: string, expected: string, attempt: Attack["attempt"]): Attack => ({
  from: "bucket-writer",
  name: `state: ${name}`,
  expected,
  attempt,
});

/** Which error a command ends with, when it reads what was put there. */
async function read(target: Target, key: string, body: (stack: SideStack) => string): Promise<string> {
  const stack = await openSide(target);
  await stack.put(key, body(stack));
  const run = await stack.command("teardown/down.ts", "--yes", "--json");
  return refusalOf(run);
}

export function refusalOf({ events, exitCode, stderr }: Finished): string {
  const error = events.find(({ event }) => event === "error");
  if (exitCode === null) return "the command was killed";
  if (error === undefined)
    return exitCode === 0 ? "taken as it is" : `exit ${exitCode}: ${stderr.slice(0, 200)}`;
  return `refused: ${String(error["code"])}`;
}

/** Whole JSON of more pieces than the command's heap holds. */
const readBig =
  (key: string): Attack["attempt"] =>
  (target) =>
    withSmallHeap(async () => {
      const seen = await read(target, key, () => `["x"${',"x"'.repeat(25 << 20)}]`);
      return /^refused: (?!Unexpected)\w+$/.test(seen) ? "refused by name" : seen;
    });

const changed =
  (change: object) =>
  ({ scope }: SideStack) =>
    JSON.stringify({ ...newDocument(scope), ...change });

const damaged = "refused: StateDamaged";
const documents: Record<string, readonly [(stack: SideStack) => string, string]> = {
  "of another stack": [changed({ stack: "other" }), "refused: StateForeign"],
  "of another account": [changed({ account: "999999999999" }), "refused: StateForeign"],
  "of another region": [changed({ region: "us-east-1" }), "refused: StateForeign"],
  "of a later version": [changed({ version: 99 }), "refused: StateTooNew"],
  "that is no JSON": [() => '{"version":1,', damaged],
  "that is empty": [() => "", damaged],
  "with a field that nobody knows": [changed({ runs: "id" }), damaged],
  "with an id that is an object": [
    changed({ resources: { vpc: { kind: "vpc", generation: 1, id: {} } } }),
    damaged,
  ],
  "with a generation of 1e308": [
    changed({ resources: { vpc: { kind: "vpc", generation: 1e308 } } }),
    damaged,
  ],
  "of 10,000 lists in each other": [() => `${"[".repeat(10_000)}${"]".repeat(10_000)}`, damaged],
};

/** All that a person reads of it, by one command; the hostile text stands wherever text can stand. */
async function print(target: Target, script: string, ...args: readonly string[]): Promise<string> {
  const stack = await openSide(target);
  const text = hostileText;
  const entry = { kind: text, generation: 1, id: text };
  const document = {
    ...newDocument(stack.scope),
    writer: text,
    savedAt: text,
    resources: { vpc: { ...entry, kind: "vpc" }, [text]: entry },
    superseded: [{ name: text, ...entry }],
    pins: { [text]: text },
  };
  const lease = {
    id: "x",
    holder: text,
    host: text,
    process: 1,
    operation: text,
    since: text,
    ttlMs: 1e12,
    beat: 1,
  };
  const release = {
    number: 1,
    image: text,
    port: 1,
    replicas: 1,
    environment: {},
    memoryMib: 16,
    at: text,
    by: text,
  };
  await stack.put("state.json", JSON.stringify(document));
  await stack.put("lease.json", JSON.stringify(lease));
  await stack.put("release.json", JSON.stringify(release));
  const { stdout, stderr } = await stack.command(script, ...args);
  return isSafeForTerminal(stdout + stderr) ? "safe for a terminal" : "reaches the terminal as it is";
}

export const hostileState: readonly Attack[] = [
  ...foreigners.flatMap((foreign) => [
    attack(`${foreign.kind} of somebody else as a resource, and down`, "still there", (target) =>
      destroyByDown(target, foreign, asResource),
    ),
    attack(`${foreign.kind} of somebody else as superseded, and down`, "still there", (target) =>
      destroyByDown(target, foreign, asSuperseded),
    ),
  ]),
  ...Object.entries(documents).map(([name, [body, expected]]) =>
    attack(`a document ${name}`, expected, (target) => read(target, "state.json", body)),
  ),
  attack("a lease for ever", "refused: LeaseHeld", (target) =>
    read(target, "lease.json", () =>
      JSON.stringify({
        id: "x",
        holder: "x",
        host: "x",
        process: 1,
        operation: "up",
        since: "x",
        ttlMs: 1e300,
        beat: 1,
      }),
    ),
  ),
  attack("a lease that is no JSON", "refused: LeaseHeld", (target) => read(target, "lease.json", () => "x")),
  { ...attack("a document of 100 MB", "refused by name", readBig("state.json")), alone: true },
  { ...attack("a lease of 100 MB", "refused by name", readBig("lease.json")), alone: true },
  attack("hostile text, in state show", "safe for a terminal", (target) =>
    print(target, "state/repair/commands.ts", "show"),
  ),
  attack("hostile text, in plan", "safe for a terminal", (target) => print(target, "provision/plan.ts")),
  attack("hostile text, in status", "safe for a terminal", (target) => print(target, "provision/status.ts")),
  attack("hostile text, in state history", "safe for a terminal", (target) =>
    print(target, "state/repair/commands.ts", "history"),
  ),
  attack("hostile text, in down", "safe for a terminal", (target) =>
    print(target, "teardown/down.ts", "--yes"),
  ),
];
