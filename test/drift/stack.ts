import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import type { Plan } from "../../lib/engine/plan.ts";
import { stateKey } from "../../state/store.ts";
import { startStrictAws, type StrictAws } from "../strict-aws/strict-aws.ts";
import { openInProcess, type InProcess } from "../strict-aws/in-process.ts";
import type { Stranger } from "./rows.ts";

/** One stack for a test file. It is up when this returns, unless the test brings it up itself, and ends with the file. */
export interface DriftingStack {
  readonly aws: StrictAws;
  readonly stack: InProcess;
  /** Somebody else in the same account, without the proxy, so their calls are neither counted nor delayed. */
  readonly stranger: Stranger;
  /** Reads the ids again from the state document. */
  readonly refresh: () => Promise<void>;
  /** Writes to AWS and to the bucket after the given number of calls. */
  readonly writesSince: (calls: number) => string[];
  /** Matching calls that succeeded after the given number of calls. */
  readonly operationsSince: (calls: number, desired: RegExp) => string[];
}

export async function openDriftingStack(name: string, { up = true } = {}): Promise<DriftingStack> {
  const directory = await mkdtemp(join(tmpdir(), "berth-drift-"));
  const aws = await startStrictAws({
    logDirectory: directory,
    ecr: true,
    // Rules that have nothing to do with drift would only cost time here.
    rules: { lateVisibility: false, pagination: false, profileDelay: false, instanceStates: { polls: 1 } },
  });
  const stack = await openInProcess({ aws, directory, stack: name });
  after(async () => {
    await stack[Symbol.asyncDispose]();
    await aws[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });
  await stack.cli.configure({
    app: { source: join(directory, "app"), port: 8080, environment: { GREETING: "hello" } },
    tags: { Team: "harbour" },
  });
  if (up) await stack.up();
  const ids = new Map<string, string>();
  const refresh = async () => {
    const body = (await (await stack.store()).get(stateKey))?.body ?? "{}";
    const document: { resources: Record<string, { id?: string }> } = JSON.parse(body);
    ids.clear();
    for (const [resource, { id }] of Object.entries(document.resources)) if (id) ids.set(resource, id);
  };
  if (up) await refresh();
  const connection = { region: stack.cli.region, endpoints: aws.bare, credentials: aws.credentials };
  return {
    aws,
    stack,
    refresh,
    stranger: {
      ...createClients({ ...connection, maxAttempts: 2 }),
      id: (resource) => {
        const id = ids.get(resource);
        if (id === undefined) throw new TypeError(`${resource} isn't in the state document`);
        return id;
      },
    },
    writesSince: (calls) =>
      aws.calls.slice(calls).flatMap(({ kind, operation }) => (kind === "write" ? [operation] : [])),
    operationsSince: (calls, wanted) =>
      aws.calls
        .slice(calls)
        .flatMap(({ operation, outcome }) => (outcome === "ok" && wanted.test(operation) ? [operation] : [])),
  };
}

/** The plan as lines: `update subnet: public-by-default`, `create vpc`. */
export function linesOf({ steps }: Plan): string[] {
  return steps.map(({ action, name, differences }) =>
    [`${action} ${name}`, differences.map(({ field }) => field).join(", ")].filter(Boolean).join(": "),
  );
}
