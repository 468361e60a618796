import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { estimateCost, pollEverySeconds, snapshotCost } from "../../lib/deploy/cost.ts";

const unwatched = {
  stack: "hello",
  domain: [],
  https: { directory: "https://ca.example/directory", hstsSeconds: 300 },
  metrics: false,
  dashboard: false,
};

const cost = (
  region: string,
  type: string,
  more: { diskGib?: number; volumes?: object; secrets?: Record<string, string>; watching?: object } = {},
) =>
  estimateCost(
    {
      region,
      ...unwatched,
      ...more.watching,
      instance: { type, diskGib: more.diskGib ?? 8, dataGib: 100, os: "debian-13" },
      app: { volumes: { ...more.volumes }, secrets: { ...more.secrets } },
    },
    false,
  );

describe("what a stack costs", () => {
  it("is host, disk, address and requests for a month of 730 hours, at the prices of its region", () => {
    // 730 h of 0.0104, 8 GiB of 0.08, 730 h of 0.005, 1,226,400 requests of 0.0004 per thousand
    assert.equal(cost("us-east-1", "t3.micro").monthlyUsd, 12.37);
    assert.equal(
      cost("eu-central-1", "t3.micro").text,
      "about $13.70 a month: t3.micro 8.76, disk 0.76, address 3.65, S3 requests 0.53; eu-central-1's list prices of 2025",
    );
    assert.equal(cost("us-east-1", "t3.micro", { diskGib: 18 }).monthlyUsd, 13.17);
    assert.equal(cost("us-east-1", "t3.micro", { volumes: { data: "/data" } }).monthlyUsd, 20.37);
    assert.equal(cost("us-east-1", "t3.nano").monthlyUsd, 8.58);
    assert.equal(cost("us-east-1", "t3.large").monthlyUsd, 65.52);
  });

  it("counts each secret in Secrets Manager once, and none in SSM", () => {
    const secrets = { A: "secretsmanager:a", B: "secretsmanager:b", C: "secretsmanager:a", D: "ssm:/d" };
    const { monthlyUsd, text } = cost("us-east-1", "t3.micro", { secrets });
    assert.equal(monthlyUsd, 13.17);
    assert.match(text, /, S3 requests 0\.49, secrets 0\.80; /);
  });

  it("counts eight metrics, four or five alarms and a dashboard, and says that an account's first are free", () => {
    const alarms = { email: "ops@example.com", failedRequestsPercent: 5, failedTriesPercent: 20 };
    const watched = (watching: object) => cost("us-east-1", "t3.micro", { watching });
    assert.equal(watched({}).monthlyUsd, 12.37);
    // 8 of 0.30; 5 of 0.10, or 4 without HTTPS; 3.00
    assert.equal(watched({ metrics: true }).monthlyUsd, 14.77);
    assert.equal(watched({ alarms }).monthlyUsd, 15.27);
    assert.equal(watched({ alarms, https: "off" }).monthlyUsd, 15.17);
    assert.equal(watched({ alarms, dashboard: true }).monthlyUsd, 18.27);
    assert.match(watched({ dashboard: true }).text, /, CloudWatch \(free tier\) 5\.40; /);
  });

  it("names logs, whose price depends on how much is logged", () => {
    assert.match(
      cost("us-east-1", "t3.micro", { watching: { logs: { days: 14 } } }).text,
      /, S3 requests 0\.49, and logs by the GB; us-east-1's list prices/,
    );
    assert.doesNotMatch(cost("us-east-1", "t3.micro").text, /logs/);
  });

  it("names the free tier where the type is eligible", () => {
    const instance = { type: "t3.micro", diskGib: 8, dataGib: 8, os: "debian-13" } as const;
    const { text } = estimateCost(
      { ...unwatched, region: "us-east-1", instance, app: { volumes: {}, secrets: {} } },
      true,
    );

    assert.match(text, /: t3\.micro \(free tier\) 7\.59, /);
  });

  it("is not made up where a price isn't known", () => {
    const otherType = cost("us-east-1", "c7i.large");
    assert.equal(otherType.monthlyUsd, undefined);
    assert.match(
      otherType.text,
      /^\$4\.78 a month and c7i\.large, whose price in us-east-1 Berth doesn't know: https:/,
    );
    assert.equal(cost("eu-north-1", "m5.large").monthlyUsd, undefined);

    const otherRegion = cost("me-south-1", "t3.micro");
    assert.equal(otherRegion.monthlyUsd, undefined);
    assert.match(
      otherRegion.text,
      /^not known: Berth has no prices of me-south-1; the address alone is \$3\.65 a month/,
    );
    assert.match(
      cost("cn-north-1", "t3.micro").text,
      /^not known: Berth has no prices of cn-north-1; https:/,
    );
  });

  it("counts as many requests as a host at rest makes", async () => {
    const interval = async (name: string, file: string) =>
      Number(
        new RegExp(`^(?:\\w+, )?${name} = (?:\\d+, )?(\\d+)$`, "m").exec(await readFile(file, "utf8"))?.[1],
      );
    const agent = "lib/host/agent/usr/local/lib/berth";

    assert.deepEqual(pollEverySeconds, {
      release: await interval("REST_S", `${agent}/converge.py`),
      https: await interval("REST_S", `${agent}/https.py`),
      agent: await interval("POLL_S", "lib/host/launcher/usr/local/lib/berth-launcher/launcher.py"),
    });
  });

  it("of a snapshot is known where its price is", () => {
    assert.equal(snapshotCost(8, "us-east-1"), 0.4);
    assert.equal(snapshotCost(10, "eu-central-1"), 0.54);
    assert.equal(snapshotCost(8, "me-south-1"), undefined);
  });
});
