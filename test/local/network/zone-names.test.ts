import assert from "node:assert/strict";
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  type RRType,
} from "@aws-sdk/client-route-53";
import { Resolver } from "node:dns/promises";
import { after, before, describe, it } from "node:test";
import { lookupNames } from "../../../lib/deploy/name-lookup.ts";
import { addressesInZones, answerFromZones } from "../../../lib/local/emulators/zone-names.ts";
import { type NameServer, startNameServer } from "../../../lib/local/network/name-server.ts";
import { openAccount } from "../../resources/account.ts";

const { stranger } = await openAccount();
const host = "127.0.0.10";

describe("the name server of the embedded AWS, with hosted zones", () => {
  let server: NameServer;
  const resolver = new Resolver({ timeout: 60_000 });
  before(async () => {
    for (const [Name, PrivateZone] of [
      ["example.org", false],
      ["amazonaws.com", false],
      ["inside.test", true],
    ] as const) {
      const { HostedZone } = await stranger.route53.send(
        new CreateHostedZoneCommand({ Name, CallerReference: Name, HostedZoneConfig: { PrivateZone } }),
      );
      const set = (name: string, Type: RRType, ...values: string[]) => ({
        Action: "CREATE" as const,
        ResourceRecordSet: {
          Name: `${name}${Name}`,
          Type,
          TTL: 60,
          ResourceRecords: values.map((Value) => ({ Value })),
        },
      });
      const Changes = [
        set("app.", "A", "203.0.113.7", "203.0.113.8"),
        set("app.", "AAAA", "2001:db8::1"),
        set("", "CAA", '0 issue "letsencrypt.org"', '128 issuewild ";"'),
        set("_berth.app.", "TXT", '"berth stack=hello"'),
        set("s3.", "A", "198.51.100.66"),
      ];
      const batch = { HostedZoneId: HostedZone?.Id, ChangeBatch: { Changes } };
      await stranger.route53.send(new ChangeResourceRecordSetsCommand(batch));
    }
    server = await startNameServer(host, (question) => answerFromZones(stranger, question));
    resolver.setServers([`${host}:${server.port}`]);
  });
  after(() => server[Symbol.asyncDispose]());

  it("answers with the records of public zones", async () => {
    assert.deepEqual((await resolver.resolve4("APP.example.org")).toSorted(), ["203.0.113.7", "203.0.113.8"]);
    assert.deepEqual(await resolver.resolve6("app.example.org"), ["2001:db8::1"]);
    assert.deepEqual(await resolver.resolveTxt("_berth.app.example.org"), [["berth stack=hello"]]);
  });

  it("tells a name that isn't there from one without such a record", async () => {
    await assert.rejects(resolver.resolve4("nobody.example.org"), { code: "ENOTFOUND" });
    await assert.rejects(resolver.resolve6("s3.example.org"), { code: "ENODATA" });
  });

  it("lets no zone lead a machine's calls of AWS elsewhere", async () => {
    assert.deepEqual(await resolver.resolve4("s3.amazonaws.com"), [host]);
  });

  it("answers for no private zone", async () => {
    await assert.rejects(resolver.resolve4("app.inside.test"), { code: "ENOTFOUND" });
  });

  it("gives a command what it judges by, and CAA records from the name above", async () => {
    const [found] = await lookupNames(["app.example.org"], `${host}:${server.port}`, 60_000);
    assert.deepEqual(found?.caa, {
      values: [
        { critical: 0, issue: "letsencrypt.org" },
        { critical: 128, issuewild: ";" },
      ],
    });
    assert.deepEqual(found.ipv6, { values: ["2001:db8::1"] });
    const [absent] = await lookupNames(["nobody.example.org"], `${host}:${server.port}`, 60_000);
    assert.deepEqual(absent?.ipv4, { values: [] });
  });

  it("tells the authority all addresses of public zones", async () => {
    const addresses = await addressesInZones(stranger);
    assert.deepEqual(addresses["app.example.org"], ["203.0.113.7", "203.0.113.8", "2001:db8::1"]);
    assert.equal(addresses["app.inside.test"], undefined);
  });
});

it("fails alone: DNS that doesn't answer is a failure, and not an absent name", async () => {
  const silent = await startNameServer("127.0.0.11", () => new Promise(() => {}));
  try {
    const [found] = await lookupNames(["app.example.org"], `127.0.0.11:${silent.port}`, 500);
    assert.deepEqual(found?.ipv4, { failure: "ETIMEOUT" });
  } finally {
    await silent[Symbol.asyncDispose]();
  }
});
