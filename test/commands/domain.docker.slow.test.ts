import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import plain, { type IncomingMessage } from "node:http";
import secure from "node:https";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { TLSSocket } from "node:tls";
import { CreateHostedZoneCommand, ListResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import { openLocalAws } from "../../lib/local/local-aws.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { greetingApp } from "./apps.ts";
import { requireExit } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

const names = ["app.example.org", "www.example.org"] as const;

/** One booted host, whose domains are in a zone of the account. */
describe("a stack with domains", () => {
  let home: Home;
  let app: Awaited<ReturnType<typeof writeSourceFolder>>;
  let stack: Stack;
  let zone = "";
  let address = "";
  before(async () => {
    home = await openHome();
    app = await writeSourceFolder(greetingApp("hello"));
    stack = new Stack(home, "named");
    await stack.configure({
      source: app.path,
      isSecure: true,
      lines: [`domain: [${names.join(", ")}]`, "https: { hstsSeconds: 600 }"],
    });
    // Starts the embedded AWS for the zone, and this process keeps it up.
    await openLocalAws({ directory: join(home.directory, "local") });
    const { route53 } = await home.clients();
    const { HostedZone } = await route53.send(
      new CreateHostedZoneCommand({ Name: "example.org", CallerReference: "first" }),
    );
    zone = HostedZone?.Id ?? "";
  });
  after(async () => {
    await home?.[Symbol.asyncDispose]();
    await app?.[Symbol.asyncDispose]();
  });

  const records = async () => {
    const { route53 } = await home.clients();
    const { ResourceRecordSets = [] } = await route53.send(
      new ListResourceRecordSetsCommand({ HostedZoneId: zone }),
    );
    return ResourceRecordSets.filter(({ Type }) => Type === "A")
      .map(({ Name, ResourceRecords = [] }) => `${Name} ${ResourceRecords.map(({ Value }) => Value).join()}`)
      .toSorted();
  };

  /** As a browser asks, which has looked the name up. */
  const ask = async (scheme: "http" | "https", host: string): Promise<IncomingMessage> => {
    const ca = await readFile(join(home.directory, "local/web-authority.pem"), "utf8");
    const asked = { host: address, path: "/a?b=c", headers: { host }, agent: false };
    return new Promise((resolve, reject) => {
      const sent =
        scheme === "https" ? secure.request({ ...asked, ca, servername: host }) : plain.request(asked);
      sent
        .once("response", (response) => resolve(response.resume()))
        .once("error", reject)
        .end();
    });
  };

  it("ends up at the first of them, with their records in the zone", async () => {
    const run = await stack.up();

    requireExit(run, 0);
    assert.equal(run.summary["url"], `https://${names[0]}/`);
    address = (await records())[0]?.split(" ")[1] ?? "";
    assert.deepEqual(
      await records(),
      names.map((name) => `${name}. ${address}`),
    );
  });

  it("has one certificate for all of them, and browsers insist on HTTPS", async () => {
    for (const name of names) {
      const { statusCode, headers, socket } = await ask("https", name);
      assert.deepEqual([statusCode, headers["strict-transport-security"]], [200, "max-age=600"], name);
      assert.ok(socket instanceof TLSSocket);
      const { subjectaltname = "" } = socket.getPeerCertificate();
      assert.deepEqual(
        subjectaltname.split(", ").toSorted(),
        names.map((one) => `DNS:${one}`),
        name,
      );
    }
  });

  it("leads to them from HTTP, and from the address to the first", async () => {
    const leads = async (host: string) => {
      const { statusCode, headers } = await ask("http", host);
      return [statusCode, headers.location];
    };
    assert.deepEqual(await leads(names[1]), [308, `https://${names[1]}/a?b=c`]);
    assert.deepEqual(await leads(address), [308, `https://${names[0]}/a?b=c`]);
  });

  it("has nothing left to do, and leaves the zone as it was", async () => {
    const again = await stack.up();
    requireExit(again, 0);
    assert.equal(again.summary["outcome"], "unchanged");
    requireExit(await stack.down(), 0);
    assert.deepEqual(await records(), []);
  });
});
