import { GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import type { Clients } from "./clients.ts";

const keptLines = 20;

export interface ConsoleContext {
  readonly clients: Pick<Clients, "ec2">;
  readonly signal: AbortSignal;
}

/**
 * The last lines that an instance wrote to its console. AWS shows them with a delay of up to some minutes. Never fails,
 * because it only explains another failure: a console that can't be read is a line that says so.
 */
export async function consoleTail(ctx: ConsoleContext, instanceId: string): Promise<string[]> {
  try {
    return await readConsole(ctx, instanceId);
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    return [`its console can't be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

async function readConsole(ctx: ConsoleContext, InstanceId: string): Promise<string[]> {
  // The latest output exists for Nitro types only. Others are refused, and have what AWS kept of their boot.
  const output = await read(ctx, { InstanceId, Latest: true }).catch(() => read(ctx, { InstanceId }));
  const lines = Buffer.from(output, "base64").toString("utf8").trimEnd().split(/\r?\n/);
  return lines.slice(-keptLines);
}

async function read(
  { clients }: ConsoleContext,
  input: { InstanceId: string; Latest?: true },
): Promise<string> {
  const { Output = "" } = await clients.ec2.send(new GetConsoleOutputCommand(input));
  return Output;
}
