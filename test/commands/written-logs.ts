import { CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import type { Clients } from "../../lib/aws/clients.ts";

export interface Written {
  readonly group: string;
  readonly stream: string;
  /** Milliseconds. The lines' ages are counted from here, so that they stand in the same order however slowly they are written. */
  readonly fromMs: number;
}

/** Puts lines into a new stream of a group, each with its age in milliseconds. */
export async function writeLines(
  { logs }: Clients,
  { group: logGroupName, stream: logStreamName, fromMs }: Written,
  lines: readonly (readonly [ageMs: number, message: string])[],
): Promise<void> {
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const logEvents = lines.map(([ageMs, message]) => ({ timestamp: fromMs - ageMs, message }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}
