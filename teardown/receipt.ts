import { mkdir, writeFile } from "node:fs/promises";
import type { Named } from "../lib/engine/owned.ts";
import type { Session } from "../lib/session.ts";
import type { Census } from "./census.ts";

/** Keeps what was taken away and what the census found, as JSON beside the user. Returns the file's path. */
export async function writeReceipt(
  { config, ctx, caller, directory }: Session,
  { targets, census }: { targets: readonly Named[]; census: Census },
): Promise<string> {
  const at = new Date().toISOString();
  const folder = `${directory}/receipts`;
  const file = `${folder}/${config.stack}-${at.replaceAll(/[:.]/g, "-")}.json`;
  const { stack, region } = config;
  const receipt = { stack, region, account: ctx.account, by: caller, at, asked: targets, ...census };
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${JSON.stringify(receipt, undefined, 2)}\n`);
  return file;
}
