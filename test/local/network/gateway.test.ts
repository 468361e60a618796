import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { CreateVpcCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { createClients, type Clients } from "../../../lib/aws/clients.ts";
import { getRegistryAuth } from "../../../lib/aws/registry.ts";
import type { Emulators } from "../../../lib/local/emulators/emulators.ts";
import { describeAnswer } from "../attacks/forbidden-call.ts";
import { gatewayAttacks } from "../attacks/gateway-attacks.ts";
import { presignCall, sendRaw } from "../attacks/signed-call.ts";
import { runCodeByLambda } from "../attacks/lambda-attack.ts";
import { connectAsOther } from "../attacks/other-user.ts";
import { borrowEmulators } from "../borrowed-emulators.ts";
import { listOtherListeners } from "../listeners.ts";

const region = "eu-central-1";

describe("the commands' gateway", () => {
  let logDirectory: string;
  let aws: Omit<Emulators, "ended">;
  let clients: Clients;
  let vpc: string;
  const host = () => new URL(aws.endpoints.s3).host;
  const port = () => Number(new URL(aws.endpoints.s3).port);

  before(async () => {
    logDirectory = await mkdtemp(join(tmpdir(), "berth-gateway-"));
    aws = await borrowEmulators({ logDirectory });
    clients = createClients({ region, ...aws, maxAttempts: 1 });
    const { Vpc } = await clients.ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
    vpc = Vpc?.VpcId ?? "";
    await clients.s3.send(
      new CreateBucketCommand({
        Bucket: "attacked",
        CreateBucketConfiguration: { LocationConstraint: region },
      }),
    );
    await clients.s3.send(new PutObjectCommand({ Bucket: "attacked", Key: "kept", Body: "kept" }));
  });
  after(async () => {
    await aws?.[Symbol.asyncDispose]();
    await rm(logDirectory, { recursive: true, force: true });
  });

  for (const { name, expected, attempt } of gatewayAttacks) {
    it(`refuses ${name}`, async () => {
      const answer = await attempt(aws);

      assert.equal(describeAnswer(answer), expected, answer.body);
      const { Vpcs = [] } = await clients.ec2.send(new DescribeVpcsCommand({ VpcIds: [vpc] }));
      assert.equal(Vpcs.length, 1);
      const { Contents = [] } = await clients.s3.send(new ListObjectsV2Command({ Bucket: "attacked" }));
      assert.deepEqual(
        Contents.map(({ Key }) => Key),
        ["kept"],
      );
    });
  }

  it("keeps a connection open for as long as any command lasts: a call sent at its end would be lost", async () => {
    const call = {
      method: "GET",
      url: "/attacked/kept",
      headers: { host: host(), connection: "keep-alive" },
    };
    const signed = await presignCall(call, { credentials: aws.credentials, service: "s3" });

    const { status, headers } = await sendRaw(port(), signed);

    assert.deepEqual([status, headers["keep-alive"]], [200, "timeout=3600"]);
  });

  it("holds no connection open for whoever it refuses", async () => {
    const { status, headers } = await fetch(aws.endpoints.s3);
    assert.deepEqual([status, headers.get("connection")], [403, "close"]);
  });

  it("has no Lambda that runs code", async () => {
    const marker = join(logDirectory, "marker");
    assert.deepEqual(await runCodeByLambda(aws.endpoints, marker), ["403 AccessDenied", "403 AccessDenied"]);
    assert.ok(!existsSync(marker));
  });

  it("passes on a stream that isn't signed, in pieces as SDKs send it", async () => {
    const Body = Readable.from(Array.from({ length: 40 }, (_, index) => Buffer.alloc(70_000, index)));
    const sent: string[] = [];
    const { s3 } = createClients({ region, ...aws, maxAttempts: 1 });
    s3.middlewareStack.add(
      (next) => (args) => {
        const { request } = args;
        if (isHeaded(request)) sent.push(request.headers["x-amz-content-sha256"] ?? "");
        return next(args);
      },
      { step: "deserialize", priority: "low" },
    );
    await s3.send(
      new PutObjectCommand({ Bucket: "attacked", Key: "pieces", Body, ContentLength: 40 * 70_000 }),
    );
    assert.deepEqual(sent, ["STREAMING-UNSIGNED-PAYLOAD-TRAILER"]);
    const read = await s3.send(new GetObjectCommand({ Bucket: "attacked", Key: "pieces" }));
    const bytes = Buffer.from((await read.Body?.transformToByteArray()) ?? []);
    assert.ok(
      bytes.equals(Buffer.concat(Array.from({ length: 40 }, (_, index) => Buffer.alloc(70_000, index)))),
    );
  });

  it("is the only way to the emulators for another user", async () => {
    for (const path of [aws.backends.moto, aws.backends.ecr]) {
      assert.equal(await connectAsOther(path), "EACCES");
      assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
    }
  });

  it("has the emulators listen at no port", async () => {
    assert.deepEqual(await listOtherListeners(aws.backends.moto), []);
    assert.deepEqual(await listOtherListeners(aws.backends.ecr), []);
  });

  it("serves a presigned URL", async () => {
    const call = { method: "GET", url: "/attacked/kept", headers: { host: host() } };
    const signed = await presignCall(call, { credentials: aws.credentials, service: "s3" });

    const answer = await sendRaw(port(), signed);

    assert.deepEqual([answer.status, answer.body], [200, "kept"]);
  });

  it("passes on an object that is longer than any buffer, byte by byte the same", async () => {
    const Body = Buffer.alloc(12 * 1024 * 1024, "0123456789abcdef!");
    await clients.s3.send(new PutObjectCommand({ Bucket: "attacked", Key: "long/a b+c%", Body }));

    const { Body: read } = await clients.s3.send(
      new GetObjectCommand({ Bucket: "attacked", Key: "long/a b+c%" }),
    );

    assert.ok(Body.equals(Buffer.from((await read?.transformToByteArray()) ?? [])));
  });

  it("has the registry take ECR's token, and that of this start only", async () => {
    const { username, password } = await getRegistryAuth(clients.ecr, aws.endpoints.registry);
    const ask = (shown: string) => {
      const authorization = `Basic ${Buffer.from(`${username}:${shown}`).toString("base64")}`;
      return sendRaw(port(), { method: "GET", url: "/v2/", headers: { host: host(), authorization } });
    };

    assert.equal(describeAnswer(await ask(password)), "200");
    assert.equal(describeAnswer(await ask(`${password}0`)), "401 UNAUTHORIZED");
  });
});

const isHeaded = (request: unknown): request is { headers: Record<string, string> } =>
  typeof request === "object" && request !== null && "headers" in request;
