import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListening } from "../../compose/probe.ts";

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
  assert.deepEqual(parseListening(table.join("\n")), [5432, 8080]);
});

test("nothing listens in an empty table", () => {
  assert.deepEqual(parseListening(header), []);
});
