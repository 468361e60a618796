import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { until } from "../local/temporary-aws.ts";
import { openEdgeRig, type EdgeRig } from "./edge-rig.ts";
import { readNothing, sendHalfHeaders, sendUnfinishedBodies } from "./floods.ts";
import { spoolMiB } from "./toolbox.ts";

// The function of setup.sh, without the rest of it.
const limitConnections = `
  sed -n '/^limit_connections()/,/^}/p' /usr/local/lib/berth/setup.sh > /tmp/limit.sh
  . /tmp/limit.sh && limit_connections && limit_connections && iptables -S INPUT`;

// From another address than the attack: the toolbox's own.
const askInside = `python3 -c '
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1/headers", timeout=120).status)'`;

// nginx unlinks its files at once: only the file system and the open files know of them.
const spooledMiB = "df --output=used --block-size=1M /var/spool/berth | tail -n 1";
// The edge counts a client that left until it has read so.
const connected = "ss -Htn state established '( sport = :80 )' | wc -l";
const filesOnDisk = "find /proc/[0-9]*/fd -lname '/var/lib/nginx/*' -o -lname '/var/cache/*' | wc -l";

describe("the edge, flooded from one address,", () => {
  let rig: EdgeRig;
  before(async () => {
    rig = await openEdgeRig();
    // So that all of a flood are there at once on a busy machine too. limits.test.ts pins the edge's own.
    await rig.toolbox.run(
      "sed -i 's/client_header_timeout 5s/client_header_timeout 600s/; s/client_body_timeout 30s/client_body_timeout 600s/' /usr/local/lib/berth/edge.conf",
    );
    await rig.serve([8080]);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const spooled = async () => Number(await rig.toolbox.run(spooledMiB));

  beforeEach(() => until(async () => (await rig.toolbox.run(connected)) === "0"));

  it("lets 512 connections wait for half a header, and serves others", async () => {
    // One for each port of the edge.
    const rules = await rig.toolbox.run(limitConnections);
    assert.equal(rules.match(/-A INPUT/g)?.length, 2, rules);
    using flood = await sendHalfHeaders(rig.url, 1500);
    await until(async () => flood.open() <= 512);
    assert.ok(flood.open() > 400, `${flood.open()} are open: the limit is lower than it says`);
    assert.equal(await rig.toolbox.run(askInside), "200");
    // What comes next is another limit's: the kernel forgets these connections only after a while.
    await rig.toolbox.run("iptables -F INPUT");
  });

  it("takes ten large bodies at a time, and refuses the others at once", async () => {
    using flood = await sendUnfinishedBodies(rig.url, 30, 100_000);
    await until(async () => flood.answered().length >= 20);
    assert.deepEqual([...new Set(flood.answered())], [429]);
    assert.ok(flood.open() >= 10);
    assert.equal(await rig.toolbox.run(askInside), "200");
  });

  it("holds large bodies in its spool and nowhere else, and serves others", async () => {
    // As many as fit: of more, each that meets the full spool is answered with 500 and gives its part back.
    using _ = await sendUnfinishedBodies(rig.url, 6, 9 << 20);
    await until(async () => (await spooled()) > 20);
    assert.ok((await spooled()) <= spoolMiB);
    assert.equal(await rig.toolbox.run(filesOnDisk), "0");
    assert.equal(await rig.toolbox.run(askInside), "200");
  });

  it("gives back what the bodies took", async () => {
    await until(async () => (await spooled()) === 0);
  });

  it("keeps little of answers that nobody reads, and serves others", async () => {
    using flood = await readNothing(rig.url, 20, "/large");
    await until(async () => (await spooled()) > 10);
    assert.equal(flood.open(), 20);
    assert.equal(await rig.toolbox.run(askInside), "200");
    const used = await spooled();
    assert.ok(used <= 30, `${used} MiB for 640 MiB of answers`);
    assert.equal(await rig.toolbox.run(filesOnDisk), "0");
  });
});
