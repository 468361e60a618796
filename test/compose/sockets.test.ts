import assert from "node:assert/strict";
import { test } from "node:test";
import { describePorts, parseSockets } from "../../compose/sockets.ts";

const header =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

test("ports that others can reach are those that listen beyond the loopback address", () => {
  const table = [
    header,
    "   0: 0B00007F:A3C1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0",
    "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 2 1 0",
    "   2: 020013AC:1F40 030013AC:CAFE 01 00000000:00000000 00:00000000 00000000   101        0 3 1 0",
    header,
    "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4",
    "   1: 00000000000000000000000000000000:1538 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 5",
  ];
  assert.deepEqual(parseSockets(table.join("\n")), {
    tcp: [5432, 8080],
    udp: [],
    local: ["[::1]:80"],
  });
});

test("UDP ports are those that are bound beyond the loopback address, and to no single peer", () => {
  const table = [
    header,
    "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 2 1 0",
    "udp",
    header,
    "   0: 0B00007F:8D3F 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0",
    "   1: 00000000:1FBD 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2 2 0 0",
    "   2: 020013AC:9C40 0B0013AC:0035 01 00000000:00000000 00:00000000 00000000     0        0 3 2 0 0",
    header,
    "   0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 4",
  ];
  assert.deepEqual(parseSockets(table.join("\n")), { tcp: [8080], udp: [53, 8125], local: [] });
});

test("nothing listens in an empty table", () => {
  assert.deepEqual(parseSockets(`${header}\nudp\n${header}\n`), { tcp: [], udp: [], local: [] });
});

test("ports on a loopback address are named, in each of its spellings, without Docker's name server", () => {
  const rows = [
    "0B00007F:A3C1",
    "0100007F:1F90",
    "0300007F:0050",
    "00000000000000000000000001000000:1F90",
    "0000000000000000FFFF00000100007F:1F91",
    "0100007F:1F90",
  ].map((address, at) => `   ${at}: ${address} 00000000:0000 0A 0:0 0:0 0 0 0 1`);
  const { tcp, local } = parseSockets([header, ...rows].join("\n"));
  assert.deepEqual(tcp, []);
  assert.deepEqual(local, ["127.0.0.1:8080", "127.0.0.3:80", "[::1]:8080", "127.0.0.1:8081"]);
  assert.match(
    describePorts(tcp, ["127.0.0.1:8080"], "nothing"),
    /^127\.0\.0\.1:8080 only, .*; have it listen on 0\.0\.0\.0$/,
  );
  assert.equal(describePorts([80, 81], ["127.0.0.1:8080"], "nothing"), "80, 81");
  assert.equal(describePorts([], [], "nothing"), "nothing");
});
