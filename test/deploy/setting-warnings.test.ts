import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  findClosedWarning,
  findMemoryWarning,
  findUntestedWarning,
  findUnusedWarning,
} from "../../lib/deploy/setting-warnings.ts";

const micro = { type: "t3.micro", memoryMib: 1024 };
const rule = (port: number, protocol: "tcp" | "udp" = "tcp") => ({ port, protocol, from: ["0.0.0.0/0"] });

describe("a plan warns of memory", () => {
  it("not while two releases fit beside the host's own needs", () => {
    for (const app of [
      { replicas: 2, memoryMib: 128 },
      { replicas: 3, memoryMib: 129 },
      { replicas: 1, memoryMib: 387 },
    ])
      assert.equal(findMemoryWarning(app, micro), undefined);
  });

  it("that is short while a new release starts", () => {
    const warning = findMemoryWarning({ replicas: 1, memoryMib: 388 }, micro);
    assert.equal(warning?.code, "memory-short");
    assert.equal(
      warning.message,
      "1 replica of 388 MiB don't fit twice, as they must while a new release starts beside the old one: t3.micro has 1024 MiB, and about 250 of them are the host's own",
    );
    assert.match(warning.hint ?? "", /app\.replicas or app\.memoryMib.*instance\.type/);
  });

  it("that is always short", () => {
    const warning = findMemoryWarning({ replicas: 4, memoryMib: 256 }, micro);
    assert.match(warning?.message ?? "", /^4 replicas of 256 MiB don't fit: t3\.micro has 1024 MiB/);
  });
});

describe("a plan warns of ingress", () => {
  it("not where port 80 is open, to whomever", () => {
    const ingress = [{ ...rule(80), from: ["198.51.100.7/32"] }];
    assert.deepEqual([findClosedWarning(ingress), findUnusedWarning(ingress)], [undefined, undefined]);
  });

  it("that opens no port of the edge's", () => {
    for (const ingress of [[], [rule(443)], [rule(80, "udp")]]) {
      const warning = findClosedWarning(ingress);
      assert.equal(warning?.code, "ingress-closed");
      assert.match(warning.message, /no port that the edge listens on \(80\), so nobody reaches the app/);
      assert.equal(warning.hint, "add a rule with port 80 to ingress");
    }
  });

  it("that opens ports where nothing listens", () => {
    const warning = findUnusedWarning([rule(80), rule(22), rule(443), rule(80, "udp")]);
    assert.equal(warning?.code, "ingress-unused");
    assert.match(warning.message, /opens tcp\/22, tcp\/443, udp\/80, where nothing listens/);
  });

  it("goes by the ports that the edge listens on", () => {
    assert.deepEqual(
      [findClosedWarning([rule(443)], [80, 443]), findUnusedWarning([rule(443)], [80, 443])],
      [undefined, undefined],
    );
  });
});

describe("a plan warns of the operating system", () => {
  it("that no test has seen to boot", () => {
    assert.equal(findUntestedWarning({ os: "debian-13" }), undefined);
    assert.equal(findUntestedWarning({ os: "amazon-linux-2023" })?.code, "untested-os");
  });
});
