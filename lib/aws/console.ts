import { GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import type { Clients } from "./clients.ts";

const keptLines = 20;

/**
 * The last lines that an instance wrote to its console. AWS shows them with a delay of up to some minutes, and not for
 * every instance type.
 */
export async function consoleTail(
  { clients }: { readonly clients: Pick<Clients, "ec2"> },
  instanceId: string,
): Promise<string[]> {
  const command = new GetConsoleOutputCommand({ InstanceId: instanceId, Latest: true });
  const { Output = "" } = await clients.ec2.send(command);
  const lines = Buffer.from(Output, "base64").toString("utf8").trimEnd().split(/\r?\n/);
  return lines.slice(-keptLines);
}
