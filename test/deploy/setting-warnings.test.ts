import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  findClosedWarning,
  findFreePlanWarning,
  findMemoryWarning,
  findNoCertificateWarning,
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
      "1 replica of 388 MiB doesn't fit twice, as they must while a new release starts beside the old one: t3.micro has 1024 MiB, and about 250 of them are the host's own",
    );
    assert.match(warning.hint ?? "", /app\.replicas or app\.memoryMib.*instance\.type/);
  });

  it("that is always short", () => {
    const warning = findMemoryWarning({ replicas: 4, memoryMib: 256 }, micro);
    assert.match(warning?.message ?? "", /^4 replicas of 256 MiB don't fit: t3\.micro has 1024 MiB/);
  });
});

const off = (...ingress: ReturnType<typeof rule>[]) => ({ https: "off" as const, ingress });
const on = (...ingress: ReturnType<typeof rule>[]) => ({
  https: { directory: "https://ca.example.test/", hstsSeconds: 300 },
  ingress,
});

describe("a plan warns of ingress", () => {
  it("not where the edge's ports are open, to whomever", () => {
    const some = { ...rule(80), from: ["198.51.100.7/32"] };
    for (const config of [off(some), on(some), on(rule(80), rule(443)), on(rule(443))])
      assert.deepEqual([findClosedWarning(config), findUnusedWarning(config)], [undefined, undefined]);
  });

  it("that opens no port of the edge's", () => {
    for (const config of [off(), off(rule(443)), off(rule(80, "udp"))]) {
      const warning = findClosedWarning(config);
      assert.equal(warning?.code, "ingress-closed");
      assert.match(warning.message, /no port that the edge listens on \(80\), so nobody reaches the app/);
      assert.equal(warning.hint, "add a rule with port 80 to ingress");
    }
    assert.match(findClosedWarning(on(rule(22)))?.message ?? "", /listens on \(80, 443\)/);
  });

  it("that opens ports where nothing listens", () => {
    const warning = findUnusedWarning(off(rule(80), rule(22), rule(443), rule(80, "udp")));
    assert.equal(warning?.code, "ingress-unused");
    assert.match(warning.message, /opens tcp\/22, tcp\/443, udp\/80, where nothing listens/);
    assert.match(findUnusedWarning(on(rule(80), rule(443), rule(22)))?.message ?? "", /opens tcp\/22, where/);
  });
});

describe("a plan warns of the operating system", () => {
  it("that no test has seen to boot", () => {
    assert.equal(findUntestedWarning({ os: "debian-13" }), undefined);
    assert.equal(findUntestedWarning({ os: "amazon-linux-2023" })?.code, "untested-os");
  });
});

describe("a plan warns of HTTPS that won't come", () => {
  const wanted = { directory: "https://acme.test/directory", hstsSeconds: 0 };

  it("where the system packages no ACME client", () => {
    const warning = findNoCertificateWarning({ instance: { os: "amazon-linux-2023" }, https: wanted });
    assert.equal(warning?.code, "https-without-client");
    assert.match(warning.message, /no certificate and serves over HTTP only/);
  });

  it("not where it does, and not where nobody wants it", () => {
    assert.equal(findNoCertificateWarning({ instance: { os: "debian-13" }, https: wanted }), undefined);
    assert.equal(
      findNoCertificateWarning({ instance: { os: "amazon-linux-2023" }, https: "off" }),
      undefined,
    );
  });
});

describe("a plan warns an account on a free plan", () => {
  const debian = { type: "m5.large", os: "debian-13" } as const;

  const step = (kind: string, action: "create" | "replace" | "update") => ({
    name: kind,
    kind,
    action,
    differences: [],
  });
  const steps = [step("vpc", "create"), step("instance", "create")];

  it("only where a host is launched", () => {
    for (const quiet of [[], [step("vpc", "create")], [step("instance", "update")]])
      assert.equal(findFreePlanWarning(debian, { steps: quiet, type: false, image: false }), undefined);
    const replaced = findFreePlanWarning(debian, {
      steps: [step("instance", "replace")],
      type: false,
      image: true,
    });
    assert.equal(replaced?.code, "not-on-free-plan");
  });

  it("not of what is eligible, nor of what isn't known", () => {
    assert.equal(findFreePlanWarning(debian, { steps, type: true, image: true }), undefined);
    assert.equal(findFreePlanWarning(debian, { steps, type: true, image: undefined }), undefined);
  });

  it("of a type, an image, or both", () => {
    assert.deepEqual(findFreePlanWarning(debian, { steps, type: false, image: true }), {
      code: "not-on-free-plan",
      message: "an account on AWS's free plan can't launch the instance type m5.large",
      hint: "on a free plan, set another instance.type; a paid plan has no such limit",
    });
    assert.match(
      findFreePlanWarning(debian, { steps, type: true, image: false })?.message ?? "",
      /can't launch the image of debian-13$/,
    );
    assert.match(
      findFreePlanWarning(debian, { steps, type: false, image: false })?.hint ?? "",
      /instance\.type and instance\.os;/,
    );
  });
});
