import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { DeleteBucketCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before as beforeAll, describe, it } from "node:test";
import { createClients, endpointsAt } from "../../lib/aws/clients.ts";

/** Gives credentials and answers as STS and S3 do, and counts what it is asked. */
function countingServer() {
  const seen = { connections: 0, credentials: 0, calls: 0 };
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/credentials") === true) {
      seen.credentials += 1;
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      const credentials = {
        AccessKeyId: "AKIAEXAMPLE",
        SecretAccessKey: "secret",
        Token: "token",
        Expiration,
      };
      response.setHeader("content-type", "application/json").end(JSON.stringify(credentials));
      return;
    }
    seen.calls += 1;
    response.setHeader("content-type", "text/xml");
    response.end(
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
  });
  server.on("connection", (socket) => {
    seen.connections += 1;
    socket.unref();
  });
  return { server, seen };
}

describe("clients made from others", () => {
  const { server, seen } = countingServer();
  const environment = { ...process.env };
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is one
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
    process.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = `${url}/credentials`;
  });
  after(() => {
    process.env = environment;
    server.close();
  });

  it("use their connections and credentials, and not their leave to write", async () => {
    const endpoints = endpointsAt(url, "none");
    const place = { region: "eu-central-1", endpoints, maxAttempts: 1 };
    const refusing = createClients({
      ...place,
      beforeWrite: () => {
        throw new Error("refused");
      },
    });
    await refusing.sts.send(new GetCallerIdentityCommand({}));
    const before = { ...seen };
    const others = createClients({ ...place, connectionsOf: refusing });

    await others.sts.send(new GetCallerIdentityCommand({}));
    await others.s3.send(new DeleteBucketCommand({ Bucket: "mine" }));

    assert.deepEqual(seen, { ...before, calls: before.calls + 2 });
    await assert.rejects(refusing.s3.send(new DeleteBucketCommand({ Bucket: "mine" })), /refused/);
    assert.equal(seen.calls, before.calls + 2);
  });
});
