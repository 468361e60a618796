import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CreateSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { GetObjectCommand, ListObjectVersionsCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import type { Release } from "../../lib/release/schema.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { until } from "../local/temporary-aws.ts";
import { ask } from "./clients.ts";
import { openHostRig, type HostRig } from "./host-rig.ts";

// No other program on this computer writes these.
const values = {
  parameter: "hunter2-Zq81Lx-$\"'\nsecond-line-77Yt",
  later: "later-Mn40Wd",
  entry: "entry-Pk55Vb",
} as const;
const needles = ["hunter2-Zq81Lx", "second-line-77Yt", "later-Mn40Wd", "entry-Pk55Vb"] as const;
const Bucket = "berth-host-state";

const files = { Dockerfile: "FROM python:3.13-slim-trixie\nWORKDIR /srv\n" };
// Prints a value, as a careless app does.
const command = [
  "python3",
  "-uc",
  "import http.server, os; print('connecting to', os.environ['DATABASE_URL'], flush=True); http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)",
];

describe("secrets", () => {
  let rig: HostRig;
  let image: string;
  let number = 0;
  let entryVersion: string;
  before(async () => {
    rig = await openHostRig();
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await rig.clients.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    await using folder = await writeSourceFolder(files);
    image = await rig.push(folder.path);
    await put(values.parameter);
    const { secretsManager } = rig.clients;
    await secretsManager.send(new CreateSecretCommand({ Name: "shop/token", SecretString: "not-this-one" }));
    const SecretString = values.entry;
    const made = await secretsManager.send(
      new PutSecretValueCommand({ SecretId: "shop/token", SecretString }),
    );
    entryVersion = made.VersionId ?? assert.fail("no version");
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const put = (Value: string) =>
    rig.clients.ssm.send(
      new PutParameterCommand({ Name: "/shop/database-url", Value, Type: "SecureString", Overwrite: true }),
    );
  const release = (secrets: Release["secrets"]) =>
    rig.release((number += 1), image, { replicas: 1, startSeconds: 60, command, secrets });
  const both = () => ({
    DATABASE_URL: "ssm:/shop/database-url:1",
    TOKEN: `secretsmanager:shop/token:${entryVersion}`,
  });
  /** A variable of the app's own process, as its kernel has it. */
  const inApp = (name: string) =>
    rig.run(
      `tr '\\0' '\\1' < /proc/$(docker inspect --format '{{.State.Pid}}' app-${number}-0)/environ | tr '\\1\\n' '\\n\\2' | sed -n 's/^${name}=//p' | tr '\\2' '\\n'`,
    );

  it("reach the app as variables, in the version that the release names", async () => {
    const report = await release(both());
    assert.equal(report.status, "serving", report.reason);
    assert.equal(await inApp("DATABASE_URL"), values.parameter);
    assert.equal(await inApp("TOKEN"), values.entry);
    assert.equal(await inApp("BERTH_SECRETS"), "");

    await put(values.later);
    await rig.run(`docker kill app-${number}-0`);
    await until(async () => (await ask(rig.url)) === 200);
    assert.equal(await inApp("DATABASE_URL"), values.parameter, "the version of the release");
    assert.equal((await release({ ...both(), DATABASE_URL: "ssm:/shop/database-url:2" })).status, "serving");
    assert.equal(await inApp("DATABASE_URL"), values.later);
  });

  it("come back with the engine alone, and after a reboot that took them away", async () => {
    await rig.run("systemctl stop berth.service; systemctl restart docker.service; sleep 1");
    await rig.run(`kill -9 $(docker inspect --format '{{.State.Pid}}' app-${number}-0)`);
    await until(async () => (await ask(rig.url)) === 200);
    assert.equal(await inApp("TOKEN"), values.entry);

    // As the memory is after a reboot.
    await rig.run(`rm -rf /run/berth-secrets; docker kill app-${number}-0; systemctl start berth.service`);
    await until(async () => (await ask(rig.url)) === 200);
    assert.equal(await inApp("TOKEN"), values.entry);
  });

  it("are in nothing that Berth, the engine or the host keeps or shows", async () => {
    const found = async (where: string, script: string) => {
      const text = await rig.run(script);
      assert.notEqual(text, "", `${where} is looked at`);
      return needles.filter((needle) => text.includes(needle)).map((needle) => `${needle} in ${where}`);
    };
    const all = `app-${number}-0`;
    const leaks = [
      await found("inspect", `docker inspect ${all}`),
      await found("ps", "ps axww -o args"),
      await found("the journal", "journalctl --no-pager --all"),
      await found("user data", "cat /var/lib/cloud/instance/user-data.txt"),
    ];
    assert.deepEqual(leaks.flat(), []);
    // The app's own log is the one file that has what the app itself printed.
    const pattern = needles.map((needle) => `-e ${needle}`).join(" ");
    const onDisk = await rig.run(
      `grep -rlaF ${pattern} /etc /var /usr/local /root /tmp 2>/dev/null | grep -v '/local-logs/' || true`,
    );
    assert.equal(onDisk, "");
    // The needle itself is in the search's arguments, which is why memory isn't searched.
    assert.equal(
      await rig.run("stat -c '%a %U %T' /run/berth-secrets; stat -f -c %T /run/berth-secrets"),
      "700 root 0\ntmpfs",
    );
  });

  it("are in no version of an object in the bucket, even if the app printed them and failed", async () => {
    const failing = [
      "python3",
      "-uc",
      "import os; print(os.environ['DATABASE_URL'], flush=True); raise SystemExit(3)",
    ];
    const report = await rig.release((number += 1), image, {
      replicas: 1,
      command: failing,
      secrets: both(),
    });
    assert.equal(report.status, "failed");
    assert.deepEqual([...new Set(report.log)], ["(secret)"]);

    const { Versions = [] } = await rig.clients.s3.send(new ListObjectVersionsCommand({ Bucket }));
    assert.ok(Versions.length > 4);
    for (const { Key, VersionId } of Versions) {
      const { Body } = await rig.clients.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }));
      const text = (await Body?.transformToString()) ?? "";
      assert.deepEqual(
        needles.filter((needle) => text.includes(needle)),
        [],
        Key,
      );
    }
  });

  it("that can't be read fail the release with the reason, and what serves goes on", async () => {
    const report = await release({ DATABASE_URL: "ssm:/shop/database-url:77" });
    assert.deepEqual([report.status, report.cause], ["failed", "secret"], report.reason);
    assert.match(
      report.reason ?? "",
      /^the value of DATABASE_URL can't be read from ssm:\/shop\/database-url:77: ParameterVersionNotFound$/,
    );
    assert.equal(await ask(rig.url), 200);
  });
});
