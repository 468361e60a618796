import type { Named } from "../lib/engine/owned.ts";
import { writePrivateFile } from "../lib/private-files.ts";
import type { Session } from "../lib/command/session.ts";
import type { DataFate } from "./data.ts";
import type { Census } from "./census.ts";

/** Writes the removed resources and the census into a JSON file on this computer. Returns the file's path. */
export async function writeReceipt(
  { config, ctx, caller, directory }: Session,
  { targets, census, data }: { targets: readonly Named[]; census: Census; data: DataFate },
): Promise<string> {
  const at = new Date().toISOString();
  const file = `${directory}/receipts/${config.stack}-${at.replaceAll(/[:.]/g, "-")}.json`;
  const { stack, region } = config;
  const receipt = { stack, region, account: ctx.account, by: caller, at, asked: targets, data, ...census };
  await writePrivateFile(file, `${JSON.stringify(receipt, undefined, 2)}\n`, { mayExist: false });
  return file;
}
