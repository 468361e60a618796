import assert from "node:assert/strict";
import { test } from "node:test";
import { clientToken } from "../../lib/aws/client-token.ts";

const parts = { stack: "hello", name: "instance", generation: 1, lineage: "a" };
const parameters = { ImageId: "ami-1", Tags: [{ Key: "a", Value: "b" }], KeyName: undefined };

test("client token: the same declaration gives the same token, in whatever order it is written", () => {
  const again = clientToken({ ...parts }, { Tags: [{ Value: "b", Key: "a" }], ImageId: "ami-1" });

  assert.equal(again, clientToken(parts, parameters));
});

test("client token: anything else gives another", () => {
  const tokens = [
    clientToken(parts, parameters),
    clientToken(parts, parameters, 1),
    clientToken(parts, { ...parameters, ImageId: "ami-2" }),
    clientToken({ ...parts, stack: "other" }, parameters),
    clientToken({ ...parts, name: "other" }, parameters),
    clientToken({ ...parts, generation: 2 }, parameters),
    clientToken({ ...parts, lineage: "b" }, parameters),
  ];

  assert.equal(new Set(tokens).size, tokens.length);
});

test("client token: AWS takes it", () => {
  assert.match(clientToken(parts, { UserData: "ü".repeat(20_000) }), /^[\x21-\x7e]{20,64}$/);
});

test("client token: stays what it is from one version of Berth to the next, or a killed run's create would be made twice", () => {
  assert.equal(
    clientToken(parts, { B: [1, { D: null, C: "x" }], A: true }),
    "berth-ksaRnU9UzijaIQVtMhjORrSXzMU7tGCm-eOqqI0zUaw",
  );
});
