import assert from "node:assert/strict";
import { isolateFile } from "../../../compose/isolation/isolate.ts";
import { asTable, parseResolved, type Table } from "../../../compose/resolved-file.ts";
import { BerthError } from "../../../lib/errors.ts";

export const project = "berth-smoke-00000000";

/** What becomes of a file as `docker-compose config` writes it. */
export async function isolate(content: object) {
  const parsed = parseResolved(JSON.stringify(content));
  assert.ok(parsed.success);
  return isolateFile(parsed.data, { path: "shop.yml", project, folder: "/copies" });
}

/** What becomes of one service with these keys, beside one of the name `other`. */
export async function isolateService(keys: Table, parts: object = {}) {
  const { content } = await isolate({ services: { web: keys, other: { image: "a" } }, ...parts });
  return asTable(asTable(content["services"])["web"]);
}

export async function readRefusal(content: object): Promise<string> {
  try {
    await isolate(content);
  } catch (error) {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, "NotIsolated");
    assert.equal(error.exitCode, 3);
    assert.match(error.message, /^shop\.yml /);
    return error.detail.join("\n");
  }
  return "nothing was refused";
}
