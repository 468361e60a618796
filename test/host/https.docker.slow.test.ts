import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:https";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { type PeerCertificate, TLSSocket } from "node:tls";
import { fromRoot } from "../../lib/paths.ts";
import { ask } from "./clients.ts";
import { type HostRig, openHostRig } from "./host-rig.ts";

// So that a test sees renewals, and a slow computer has time for each before the certificate ends.
process.env["BERTH_CERTIFICATE_SECONDS"] ??= "160";
/** Each takes about half of that. */
const renewals = Number(process.env["BERTH_RENEWALS"] ?? 2);

interface Answer {
  readonly status: string;
  /** The serial number of the certificate; empty where a session was resumed. */
  readonly serial: string;
}

/** Trusts the authority alone, and asks for exactly the address. */
function get(url: string, options: { readonly ca: string; readonly agent: Agent }): Promise<Answer> {
  return new Promise((resolve) => {
    const asked = request(url, options, (response) => {
      const { socket } = response;
      const shown: Partial<PeerCertificate> = socket instanceof TLSSocket ? socket.getPeerCertificate() : {};
      const { serialNumber = "" } = shown;
      response.once("end", () => resolve({ status: String(response.statusCode), serial: serialNumber }));
      response.resume();
    });
    asked.once("error", (error) => resolve({ status: error.message, serial: "" })).end();
  });
}

describe("the host's HTTPS", () => {
  let rig: HostRig;
  let ca: string;
  let url: string;
  before(async () => {
    rig = await openHostRig();
    await rig.release(1, await rig.push(fromRoot("test/apps/realtime")), { memoryMib: 128 });
    url = rig.url.replace("http:", "https:");
  });
  after(() => rig?.[Symbol.asyncDispose]());

  it("isn't there before it is told of, and the app is served by HTTP", async () => {
    assert.deepEqual((await rig.report())?.https, { wanted: [] });
    assert.equal(await ask(rig.url), 200);
  });

  it("is a certificate for exactly the address, from the authority that it trusts", async () => {
    const { https } = await rig.secure();
    ca = await rig.authority();
    const { hostname } = new URL(url);
    assert.deepEqual([https?.wanted, https?.certificate?.names], [[hostname], [hostname]]);
    assert.match(https?.certificate?.issuer ?? "", /^Pebble/);
    assert.equal((await get(url, { ca, agent: new Agent() })).status, "200");
    const redirected = await fetch(`${rig.url}a?b=c`, { redirect: "manual" });
    assert.deepEqual([redirected.status, redirected.headers.get("location")], [308, `${url}a?b=c`]);
    // The app's own answer.
    assert.equal((await fetch(`${rig.url}.well-known/acme-challenge/x`, { redirect: "manual" })).status, 404);
  });

  it("renews its certificate again and again under load, and no request is lost, no connection closed", async (t) => {
    const serials = new Set<string>();
    const failures: string[] = [];
    const isOver = () => serials.size > renewals || failures.length > 0;
    const connections = new Set<unknown>();
    const counts = { kept: 0, fresh: 0, frames: 0 };
    const client = async (kind: "kept" | "fresh", pauseMs: number) => {
      // Each its own: one for all would ask by the connection that was used last, and let nginx end the others as idle.
      const kept = new Agent({ keepAlive: true, maxSockets: 1 });
      while (!isOver()) {
        const { status, serial } = await get(url, { ca, agent: kind === "kept" ? kept : new Agent() });
        counts[kind] += 1;
        if (status !== "200") failures.push(`${kind}: ${status}`);
        if (serial !== "") serials.add(serial);
        for (const socket of Object.values(kept.freeSockets).flat()) connections.add(socket);
        await sleep(pauseMs);
      }
      kept.destroy();
    };
    const talk = async () => {
      const socket = await openWebSocket(new URL("/socket", url), ca);
      const closed = new AbortController();
      socket.once("close", () => {
        failures.push("the websocket was closed");
        closed.abort();
      });
      while (!isOver()) {
        const echo = await say(socket, `${counts.frames}`, closed.signal);
        if (echo !== `release one: ${counts.frames}`) failures.push(`the websocket said ${echo}`);
        counts.frames += 1;
        await sleep(250);
      }
      socket.removeAllListeners("close").destroy();
    };
    await Promise.all([
      // nginx ends a connection with its thousandth answer: these get nowhere near.
      ...Array.from({ length: 4 }, () => client("kept", 1_000)),
      ...Array.from({ length: 4 }, () => client("fresh", 100)),
      talk(),
    ]);

    const told = `${serials.size - 1} renewals, ${JSON.stringify(counts)}, ${connections.size} kept connections`;
    t.diagnostic(told);
    assert.deepEqual(failures, [], told);
    assert.equal(connections.size, 4, told);
    assert.ok(counts.frames > renewals, told);
  });
});

/** A websocket by the edge's HTTPS. Node 20 has no client of its own. */
async function openWebSocket(url: URL, ca: string): Promise<Duplex> {
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
  };
  const asked = request(url, { ca, headers, agent: false });
  return new Promise((resolve, reject) => {
    asked.once("upgrade", (_answer, socket) => resolve(socket));
    asked.once("response", ({ statusCode }) => reject(new Error(`status ${statusCode}`)));
    asked.once("error", reject).end();
  });
}

/** Sends a short text as one frame, and returns the text of the next frame. */
async function say(socket: Duplex, text: string, signal: AbortSignal): Promise<string> {
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
  const [frame]: Buffer[] = await once(socket, "data", { signal });
  return frame?.subarray(2).toString("utf8") ?? "";
}
