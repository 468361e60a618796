import assert from "node:assert/strict";
import { it } from "node:test";
import { openS3Store } from "../../state/s3-store.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { readHostJournal } from "../../lib/release/host-journal.ts";
import { until } from "../local/temporary-aws.ts";
import { openHostRig } from "./host-rig.ts";

it("a host whose set-up fails leaves the end of its journal in the bucket, and nothing when it is stopped", async () => {
  await using rig = await openHostRig();
  const place = { client: rig.clients.s3, bucket: "berth-host-state", account: localAccount };
  const journal = () => readHostJournal(openS3Store(place), rig.id);
  // The machine's container may not be there yet.
  const state = () => rig.run("systemctl is-active berth.service || true").catch(() => "no machine");
  await until(async () => (await state()) === "active");
  await rig.run("systemctl stop berth.service");
  assert.deepEqual(await journal(), []);

  const setup = "/usr/local/lib/berth/setup.sh";
  await rig.run(`printf '#!/bin/sh\\necho "E: no such package"; exit 3\\n' >${setup}`);
  await rig.run("systemctl start --no-block berth.service");
  await until(async () => (await journal()).length > 0);

  const lines = await journal();
  assert.match(lines[0] ?? "", /^its journal at \d{4}-/);
  assert.ok(lines.includes("E: no such package"), lines.join("\n"));
});
