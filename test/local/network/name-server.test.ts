import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { startNameServer, type NameServer } from "../../../lib/local/network/name-server.ts";

describe("the machines' name server", () => {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
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

  it("has IPv4 only", async () => {
    await assert.rejects(resolver.resolve6("sts.amazonaws.com"), { code: "ENODATA" });
  });

  it("goes on after a packet that is no question", async () => {
    const socket = createSocket("udp4");
    socket.send(Buffer.alloc(13, 0xff), server.port, "127.0.0.9");
    socket.send(Buffer.from("000001000001000000000000ff41", "hex"), server.port, "127.0.0.9");
    assert.deepEqual(await resolver.resolve4("sts.amazonaws.com"), ["127.0.0.9"]);
    socket.close();
    await once(socket, "close");
  });
});
