import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHostReport } from "../../lib/release/reports.ts";
import { findShortfalls } from "../../lib/release/shortfall.ts";

const [old, next] = ["a".repeat(64), "b".repeat(64)];
const at = "2026-11-26T10:00:00.000Z";
const desired = { release: 4, agent: { sha256: next, at } };
const failed = { sha256: next, at, reason: "it ended 3 times: NameError" };

const look = (agent: unknown, of: Parameters<typeof findShortfalls>[1] = desired) => {
  const body = JSON.stringify({ release: 4, status: "serving", serves: 4, agent, at });
  return findShortfalls("i-1", of, parseHostReport(body, "i-1"));
};

describe("a host's agent", () => {
  it("is no matter when it is the desired one, whatever failed before", () => {
    assert.deepEqual(look({ sha256: next }), []);
    assert.deepEqual(look({ sha256: next, failed: { ...failed, sha256: old } }), []);
  });

  it("is waited for when it is another one, or none that is known", () => {
    const [other, unknown] = [look({ sha256: old }), look(undefined)].flat();
    assert.equal(other?.failure, undefined);
    assert.deepEqual(
      [other?.desired, other?.claim, other?.observed, unknown?.observed],
      [
        "agent bbbbbbbbbbbb",
        "runs agent bbbbbbbbbbbb",
        "agent aaaaaaaaaaaa, the latest agent.json not acted on yet",
        "an agent without a name",
      ],
    );
  });

  it("isn't waited for when it was tried and taken back", () => {
    const [{ failure } = {}] = look({ sha256: old, failed });
    assert.equal(failure?.code, "AgentUnhealthy");
    assert.equal(
      failure.message,
      "agent bbbbbbbbbbbb failed on i-1: it ended 3 times: NameError; agent aaaaaaaaaaaa goes on",
    );
  });

  it("isn't waited for when the host has no room for it now, which the host tries again by itself", () => {
    const waiting = { sha256: next, at, reason: "the host's disk is full, less than 16 MiB are free" };
    const [{ failure, observed } = {}] = look({ sha256: old, waiting });
    assert.equal(failure?.code, "AgentPostponed");
    assert.equal(
      failure.message,
      "agent bbbbbbbbbbbb can't be installed on i-1 now: the host's disk is full, less than 16 MiB are free; agent aaaaaaaaaaaa goes on",
    );
    assert.match(failure.hint, /tries again by itself/);
    assert.equal(
      observed,
      "agent aaaaaaaaaaaa, and agent bbbbbbbbbbbb later: the host's disk is full, less than 16 MiB are free",
    );
    const earlier = { ...waiting, at: "2026-11-26T09:00:00.000Z" };
    for (const told of [{ waiting: earlier }, { waiting: { ...waiting, sha256: old } }])
      assert.equal(look({ sha256: old, ...told })[0]?.failure, undefined);
  });

  it("is waited for while another one is on trial, and until its own publication was read", () => {
    const earlier = "2026-11-26T09:00:00.000Z";
    const [trial, unread] = [
      look({ sha256: next, at: earlier, trying: old }),
      look({ sha256: next, at: earlier }),
    ].flat();
    assert.equal(
      trial?.observed,
      "agent aaaaaaaaaaaa on trial (a whole turn, then 30 s without an end), agent bbbbbbbbbbbb until then",
    );
    assert.equal(unread?.observed, "agent bbbbbbbbbbbb, the latest agent.json not acted on yet");
    assert.deepEqual(look({ sha256: next, at }), []);
  });

  it("is waited for when what failed was another one, or an earlier try of it", () => {
    for (const earlier of [
      { ...failed, sha256: "c".repeat(64) },
      { ...failed, at: "2026-11-26T09:00:00.000Z" },
    ]) {
      const [one] = look({ sha256: old, failed: earlier });
      assert.deepEqual([one?.desired, one?.failure], ["agent bbbbbbbbbbbb", undefined]);
    }
  });

  it("adds nothing to a host without a report, nor to a declaration without an agent", () => {
    assert.deepEqual(
      findShortfalls("i-1", desired, {}).map((one) => one.desired),
      ["release 4 serving"],
    );
    assert.deepEqual(look({ sha256: old }, { release: 4 }), []);
  });

  it("is named by nothing but a hash, with a reason of one line's length", () => {
    for (const agent of [{ sha256: "x" }, { sha256: `${next}\n` }, { sha256: next.toUpperCase() }, "x", []])
      assert.match(look(agent)[0]?.problem ?? "", /agent/);
    const [{ failure } = {}] = look({ sha256: old, failed: { ...failed, reason: "x".repeat(9999) } });
    assert.ok((failure?.message.length ?? 0) < 1_200);
  });
});
