import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DescribedInstance, Rule } from "../../../lib/local/machines/instances.ts";
import { mostPortsOfRule, forwardedPortsOf, portsOf } from "../../../lib/local/machines/forwarded-ports.ts";

const instance: DescribedInstance = {
  id: "i-1",
  region: "eu-central-1",
  zone: "eu-central-1a",
  state: "running",
  imageId: "ami-1",
  type: "t3.micro",
  privateAddress: "10.0.0.4",
  privateName: "ip-10-0-0-4.ec2.internal",
  macAddress: "02:00:00:00:00:01",
  subnet: "subnet-1",
  vpc: "vpc-1",
  publicAddress: "127.1.2.3",
  profileArn: undefined,
  securityGroups: ["sg-1"],
  launchedAt: "2026-01-01T00:00:00.000Z",
};
const rule = (firstPort: number, lastPort: number, ...sources: string[]): Rule => ({
  firstPort,
  lastPort,
  sources,
});

describe("forwarded ports", () => {
  it("put the sources of all rules for a port together", () => {
    const rules = [
      rule(80, 80, "10.0.0.0/8"),
      rule(79, 80, "192.0.2.1/32", "10.0.0.0/8"),
      rule(443, 443, "0.0.0.0/0"),
    ];
    assert.deepEqual(forwardedPortsOf(instance, rules, "172.18.0.2"), [
      { address: "127.1.2.3", port: 80, sources: ["10.0.0.0/8", "192.0.2.1/32"], machine: "172.18.0.2" },
      { address: "127.1.2.3", port: 79, sources: ["192.0.2.1/32", "10.0.0.0/8"], machine: "172.18.0.2" },
      { address: "127.1.2.3", port: 443, sources: ["0.0.0.0/0"], machine: "172.18.0.2" },
    ]);
  });

  it("are none without a rule, without sources, without an address, or at an address of somebody else", () => {
    const rules = [rule(80, 80, "0.0.0.0/0")];
    assert.deepEqual(forwardedPortsOf(instance, [], "172.18.0.2"), []);
    assert.deepEqual(forwardedPortsOf(instance, [rule(80, 80)], "172.18.0.2"), []);
    assert.deepEqual(forwardedPortsOf({ ...instance, publicAddress: undefined }, rules, "172.18.0.2"), []);
    assert.deepEqual(forwardedPortsOf({ ...instance, publicAddress: "54.214.1.2" }, rules, "172.18.0.2"), []);
  });

  it("of a rule for all ports are the usual ones and the first ones", () => {
    const ports = portsOf(rule(0, 65_535, "0.0.0.0/0"));
    assert.ok([1, 80, 443, 8080].every((port) => ports.includes(port)));
    assert.ok(!ports.includes(0));
    assert.ok(ports.length <= mostPortsOfRule + 4);
    assert.equal(new Set(ports).size, ports.length);
  });
});
