import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createClients, type Clients } from "../../lib/aws/clients.ts";
import { startStrictAws, type StrictAws } from "./strict-aws.ts";
import { noRules, type Rules } from "./rules.ts";

/** One account by two routes, for one test file. It ends with the file. */
export interface TwoRoutes {
  readonly aws: StrictAws;
  /** Through the proxy, without retries, so that the test sees each answer. */
  readonly strict: Clients;
  /** Directly to the emulators, without the proxy. */
  readonly bare: Clients;
  /** Through the proxy, with the SDK's retries. */
  readonly patient: Clients;
}

export const region = "eu-central-1";

export async function openTwoRoutes(rules: Partial<Rules>, ecr = false): Promise<TwoRoutes> {
  const logDirectory = await mkdtemp(join(tmpdir(), "berth-behaving-"));
  const aws = await startStrictAws({ logDirectory, ecr, rules: { ...noRules, ...rules } });
  after(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(logDirectory, { recursive: true, force: true });
  });
  const { endpoints, credentials } = aws;
  return {
    aws,
    strict: createClients({ region, endpoints, credentials, maxAttempts: 1 }),
    bare: createClients({ region, endpoints: aws.bare, credentials, maxAttempts: 1 }),
    patient: createClients({ region, endpoints, credentials, maxAttempts: 6 }),
  };
}

/** The name of the call's error, or `ok`. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (error instanceof Error) return error.name;
    throw error;
  }
}
