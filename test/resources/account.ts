import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createClients, type Call, type Clients } from "../../lib/aws/clients.ts";
import { resourceTags } from "../../lib/aws/tags.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { type Identity, toWriteContext, type WriteContext } from "../../lib/contract/resource.ts";
import type { Rules } from "../strict-aws/rules.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

/** An emulated AWS account with AWS's rules, for one test file. It ends with the file. */
export interface Account {
  readonly ctx: WriteContext;
  /** Somebody else in the same account, without the proxy. */
  readonly stranger: Clients;
  /** Every call that went through `ctx`. */
  readonly calls: Call[];
  /** The notes about waits. */
  readonly notes: string[];
  /** Clients for another region of the same account. */
  readonly elsewhere: (region: string) => WriteContext;
}

export interface AccountOptions {
  readonly ecr?: boolean;
  readonly rules?: Partial<Rules>;
}

export async function openAccount(options: AccountOptions = {}): Promise<Account> {
  const logDirectory = await mkdtemp(join(tmpdir(), "berth-resources-"));
  const aws = await startStrictAws({
    logDirectory,
    ecr: options.ecr ?? false,
    // These tests create many resources, read them at once, and count calls.
    rules: { quotas: false, lateVisibility: false, pagination: false, ...options.rules },
  });
  after(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(logDirectory, { recursive: true, force: true });
  });
  const { endpoints, bare, credentials } = aws;
  const connection = { credentials, maxAttempts: 2 };
  const calls: Call[] = [];
  const notes: string[] = [];
  const contextIn = (region: string): WriteContext => {
    const clients = createClients({ ...connection, endpoints, region, onCall: (call) => calls.push(call) });
    const ctx = {
      clients,
      account: localAccount,
      region,
      signal: new AbortController().signal,
      note: (text: string) => void notes.push(text),
      timings: { firstMs: 10, longestMs: 50, timeoutMs: 60_000 },
    };
    return toWriteContext(ctx, clients);
  };
  const region = "eu-central-1";
  const stranger = createClients({ ...connection, endpoints: bare, region });
  return { ctx: contextIn(region), stranger, calls, notes, elsewhere: contextIn };
}

let stacks = 0;

/** The identity of a resource in a stack that no other test uses. */
export function newIdentity(name: string): Identity {
  stacks += 1;
  const owner = { stack: `stack-${stacks}`, name, generation: 1 };
  return { ...owner, lineage: "a-lineage", tags: resourceTags(owner, { Team: "harbour" }) };
}
