import assert from "node:assert/strict";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { type PeerCertificate, TLSSocket } from "node:tls";
import { fromRoot } from "../../lib/paths.ts";
import { ask } from "./clients.ts";
import { type HostRig, openHostRig } from "./host-rig.ts";

// So that a test sees renewals.
process.env["BERTH_CERTIFICATE_SECONDS"] = "60";

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
    await rig.release(1, await rig.push(fromRoot("dockerfiles/go-web")));
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
    // The app's own answer: it knows one path only.
    assert.equal((await fetch(`${rig.url}.well-known/acme-challenge/x`, { redirect: "manual" })).status, 404);
  });

  it("gets new certificates under load, and no request is lost, no connection closed", async () => {
    const serials = new Set<string>();
    const failures: string[] = [];
    const count = (answer: Answer) => {
      if (answer.status !== "200") failures.push(answer.status);
      if (answer.serial !== "") serials.add(answer.serial);
    };
    const kept = new Agent({ keepAlive: true, maxSockets: 4 });
    const sockets = new Set<unknown>();
    let requests = 0;
    const client = async (agent: () => Agent, pauseMs: number) => {
      while (serials.size < 4) {
        requests += 1;
        count(await get(url, { ca, agent: agent() }));
        for (const socket of Object.values(kept.freeSockets).flat()) sockets.add(socket);
        await sleep(pauseMs);
      }
    };
    await Promise.all([
      ...Array.from({ length: 4 }, () => client(() => kept, 250)),
      ...Array.from({ length: 4 }, () => client(() => new Agent(), 50)),
    ]);
    kept.destroy();

    assert.deepEqual(failures, []);
    assert.equal(sockets.size, 4, `${requests} requests took other connections than the first four`);
  });
});
