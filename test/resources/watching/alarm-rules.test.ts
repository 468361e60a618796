import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alarmRules } from "../../../lib/resources/watching/alarm-rules.ts";

const topicArn = "arn:aws:sns:eu-central-1:123456789012:berth-hello";
const alarms = { email: "ops@example.com", failedRequestsPercent: 5, failedTriesPercent: 20 };
const https = { directory: "https://ca.example/directory", hstsSeconds: 300 };
const rulesOf = (changes: Partial<Parameters<typeof alarmRules>[0]> = {}) =>
  alarmRules({ stack: "hello", alarms, https, domain: ["app.example.org"], ...changes }, topicArn).map(
    ({ desired }) => desired,
  );
const certificateOf = (changes: Parameters<typeof rulesOf>[0]) =>
  rulesOf(changes).find(({ metric }) => metric === "CertificateDays");

// These decide who is woken, and when: they are written out here, and not taken from the code.
describe("the alarms of a stack", () => {
  it("are these, each on one metric", () => {
    assert.deepEqual(
      rulesOf().map((one) => [
        one.name,
        `${one.statistic} ${one.namespace} ${one.metric}`,
        `${one.comparison} ${one.threshold}`,
        one.minutes.join(" of "),
        one.missing,
      ]),
      [
        [
          "berth-hello-failed-requests",
          "Average Berth/hello FailedRequests",
          "GreaterThanThreshold 0.05",
          "3 of 5",
          "notBreaching",
        ],
        [
          "berth-hello-failed-tries",
          "Average Berth/hello FailedTries",
          "GreaterThanThreshold 0.2",
          "10 of 15",
          "notBreaching",
        ],
        [
          "berth-hello-not-serving",
          "Maximum Berth/hello Serving",
          "LessThanThreshold 1",
          "3 of 3",
          "breaching",
        ],
        [
          "berth-hello-disk",
          "Maximum Berth/hello DiskUsed",
          "GreaterThanThreshold 85",
          "5 of 5",
          "notBreaching",
        ],
        [
          "berth-hello-certificate",
          "Minimum Berth/hello CertificateDays",
          "LessThanThreshold 14",
          "5 of 5",
          "ignore",
        ],
      ],
    );
    assert.ok(rulesOf().every((one) => one.topicArn === topicArn));
  });

  it("take the shares that berth.yaml says", () => {
    const [requests, tries] = rulesOf({
      alarms: { ...alarms, failedRequestsPercent: 1, failedTriesPercent: 8 },
    });
    assert.deepEqual([requests?.threshold, tries?.threshold], [0.01, 0.08]);
    assert.match(requests?.description ?? "", /^more than 1 % of the clients' requests fail/);
    assert.match(tries?.description ?? "", /^more than 8 % of the tries at a replica fail/);
  });

  it("expect a certificate for an address to have days left, and one for a domain to have weeks", () => {
    assert.equal(certificateOf({})?.threshold, 14);
    assert.equal(certificateOf({ domain: [] })?.threshold, 2);
    assert.equal(certificateOf({ https: "off" }), undefined);
  });

  it("are none without the setting", () => {
    assert.deepEqual(rulesOf({ alarms: undefined }), []);
  });
});
