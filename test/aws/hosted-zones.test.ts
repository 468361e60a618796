import assert from "node:assert/strict";
import { CreateHostedZoneCommand } from "@aws-sdk/client-route-53";
import { describe, it } from "node:test";
import { listHostedZones, zoneFor } from "../../lib/aws/hosted-zones.ts";
import { openAccount } from "../resources/account.ts";

const zones = [
  { id: "Z1", name: "example.org" },
  { id: "Z2", name: "shop.example.org" },
];

describe("the zone of a name", () => {
  it("is the longest that covers it, by whole labels", () => {
    assert.equal(zoneFor("app.example.org", zones)?.id, "Z1");
    assert.equal(zoneFor("example.org", zones)?.id, "Z1");
    assert.equal(zoneFor("shop.example.org", zones)?.id, "Z2");
    assert.equal(zoneFor("www.shop.example.org", zones)?.id, "Z2");
    assert.equal(zoneFor("myexample.org", zones), undefined);
    assert.equal(zoneFor("org", zones), undefined);
    assert.equal(zoneFor("app.example.org", []), undefined);
  });

  it("is none for a name that leaves no room for Berth's own record", () => {
    const label = "a".repeat(63);
    const of = (length: number) => `${[label, label, label].join(".")}.${"b".repeat(length)}.example.org`;
    assert.equal(of(42).length, 246);
    assert.equal(zoneFor(of(42), zones)?.id, "Z1");
    assert.equal(zoneFor(of(43), zones), undefined);
  });

  it("is refused if there are two", () => {
    const twice = [...zones, { id: "Z0", name: "shop.example.org" }];
    assert.throws(() => zoneFor("shop.example.org", twice), {
      code: "AmbiguousHostedZone",
      message: /Z0, Z2/,
      exitCode: 3,
    });
    assert.equal(zoneFor("example.org", twice)?.id, "Z1");
  });
});

it("lists public zones alone, from all pages", async () => {
  const { ctx, stranger } = await openAccount();
  const make = (Name: string, PrivateZone: boolean) =>
    stranger.route53.send(
      new CreateHostedZoneCommand({ Name, CallerReference: Name, HostedZoneConfig: { PrivateZone } }),
    );
  await make("inside.example.org", true);
  const names = Array.from({ length: 101 }, (_, index) => `zone-${index}.example.org`);
  for (const name of names) await make(name, false);

  const found = await listHostedZones(ctx.clients);

  assert.deepEqual(found.map(({ name }) => name).toSorted(), names.toSorted());
  assert.ok(found.every(({ id }) => /^[A-Z0-9]+$/.test(id)));
});
