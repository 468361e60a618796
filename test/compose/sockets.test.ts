import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSockets } from "../../compose/sockets.ts";

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
  assert.deepEqual(parseSockets(table.join("\n")), { tcp: [5432, 8080], udp: [] });
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
  assert.deepEqual(parseSockets(table.join("\n")), { tcp: [8080], udp: [53, 8125] });
});

test("nothing listens in an empty table", () => {
  assert.deepEqual(parseSockets(`${header}\nudp\n${header}\n`), { tcp: [], udp: [] });
});
