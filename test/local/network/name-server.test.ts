import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { decode, encode } from "dns-packet";
import { startNameServer, type NameServer } from "../../../lib/local/network/name-server.ts";

describe("the machines' name server", () => {
  const resolver = new Resolver({ timeout: 120_000, tries: 1 });
  let server: NameServer;
  before(async () => {
    server = await startNameServer("127.0.0.9");
    resolver.setServers([`127.0.0.9:${server.port}`]);
  });
  after(() => server?.[Symbol.asyncDispose]());

  for (const name of [
    "sts.amazonaws.com",
    "ec2.eu-central-1.amazonaws.com",
    "Some-Bucket.s3.eu-central-1.AmazonAWS.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "s3.cn-north-1.amazonaws.com.cn",
    "lambda.eu-west-1.api.aws",
  ]) {
    it(`leads ${name} to itself`, async () => {
      assert.deepEqual(await resolver.resolve4(name), ["127.0.0.9"]);
    });
  }

  it("answers any other name as this computer does", async () => {
    assert.deepEqual(await resolver.resolve4("localhost"), ["127.0.0.1"]);
    await assert.rejects(resolver.resolve4("amazonaws.com.invalid"), { code: "ENOTFOUND" });
  });

  it("repeats the question as it came, and its number", async (t) => {
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    const name = "sTs.AmazonAWS.com";
    const query = encode({ type: "query", id: 7001, questions: [{ type: "A", name }] });
    socket.send(query, server.port, "127.0.0.9");
    const [message]: Buffer[] = await once(socket, "message");
    const { id, type, flags = 0, questions, answers } = decode(message ?? Buffer.alloc(0));
    assert.deepEqual([id, type, flags & 0xf], [7001, "response", 0]);
    assert.equal(questions?.[0]?.name, name);
    assert.deepEqual(
      answers?.map((answer) => "data" in answer && answer.data),
      ["127.0.0.9"],
    );
  });

  it("has IPv4 only", async () => {
    await assert.rejects(resolver.resolve6("sts.amazonaws.com"), { code: "ENODATA" });
  });

  it("goes on after a packet that is no question", async (t) => {
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    socket.send(Buffer.alloc(13, 0xff), server.port, "127.0.0.9");
    socket.send(Buffer.from("000001000001000000000000ff41", "hex"), server.port, "127.0.0.9");
    // An answer, two questions in one, a name that is longer than any, a name that points at itself.
    const question = { type: "A", name: "sts.amazonaws.com" } as const;
    const packets = [
      encode({ type: "response", questions: [question] }),
      encode({ type: "query", questions: [question, question] }),
      Buffer.concat([
        Buffer.from("000001000001000000000000", "hex"),
        Buffer.from(`?${"x".repeat(63)}`.repeat(5)),
      ]),
      Buffer.from("000001000001000000000000c00c00010001", "hex"),
    ];
    const heard: string[] = [];
    socket.on("message", (message) => heard.push(message.toString("hex")));
    for (const packet of packets) socket.send(packet, server.port, "127.0.0.9");
    assert.deepEqual(await resolver.resolve4("sts.amazonaws.com"), ["127.0.0.9"]);
    assert.deepEqual(heard, []);
  });
});
